"""
A folder on a dead mount, for tests of how programs end: `hung-folder.py FOLDER SOURCE...` mounts the files at FOLDER, read-only, by the kernel's
own protocol (FUSE 7.31), says "mounted", and serves them until it is stopped (SIGSTOP). From then on every operation there waits as on a
server that has gone. SIGCONT and SIGTERM unmount it. After SIGUSR1 it stops itself in the middle of the next file that is read: that reading cannot even be
killed, as on a disk that is gone. Linux, as root.
"""
import ctypes
import os
import signal
import struct
import sys

folder, sources = sys.argv[1], sys.argv[2:]
names = [os.path.basename(source) for source in sources]
sizes = [os.path.getsize(source) for source in sources]
libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"dead", folder.encode(), b"fuse", 6, options) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))


def end(*_):
    libc.umount2(folder.encode(), 2)
    os._exit(0)


stops = False


def stop_soon(*_):
    global stops
    stops = True


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGUSR1, stop_soon)
print("mounted", flush=True)


def attributes(node):
    mode, size = (0o40755, 0) if node == 1 else (0o100644, sizes[node - 2])
    return struct.pack("<QQQQQQIIIIIIIIII", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def listing():
    out = b""
    for i, name in enumerate(names):
        raw = name.encode()
        out += struct.pack("<QQII", i + 2, i + 1, len(raw), 8) + raw + b"\0" * (-len(raw) % 8)
    return out


def answer(operation, node, body):
    """The reply to one request; an error number where there is none; None where the kernel waits for none."""
    if operation == 26:
        return struct.pack("<IIIIHHII", 7, 31, 131072, 0, 12, 10, 131072, 1) + b"\0" * 36
    if operation == 1:
        name = body.rstrip(b"\0").decode()
        if name not in names:
            return 2
        found = names.index(name) + 2
        return struct.pack("<QQQQII", found, 0, 0, 0, 0, 0) + attributes(found)
    if operation == 3:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if operation in (14, 27):
        return struct.pack("<QII", 0, 1 if operation == 14 else 0, 0)
    if operation == 15:
        global stops
        _, offset, size = struct.unpack_from("<QQI", body)
        if stops and offset + size >= sizes[node - 2] / 2:
            stops = False
            os.kill(os.getpid(), signal.SIGSTOP)
        with open(sources[node - 2], "rb") as file:
            file.seek(offset)
            return file.read(size)
    if operation == 28:
        _, offset, size = struct.unpack_from("<QQI", body)
        return listing() if offset == 0 else b""
    if operation in (18, 25, 29, 34):
        return b""
    if operation in (2, 42):
        return None
    if operation == 17:
        return struct.pack("<QQQQQIIII", 1, 0, 0, 2, 0, 4096, 255, 4096, 0) + b"\0" * 24
    return 38


while True:
    try:
        request = os.read(device, 1 << 20)
    except OSError as error:
        if error.errno in (4, 2):
            continue
        break
    _, operation, unique, node = struct.unpack_from("<IIQQ", request)
    reply = answer(operation, node, request[40:])
    if reply is None:
        continue
    number, data = (reply, b"") if isinstance(reply, int) else (0, reply)
    try:
        os.write(device, struct.pack("<IiQ", 16 + len(data), -number, unique) + data)
    except OSError:
        pass
end()
