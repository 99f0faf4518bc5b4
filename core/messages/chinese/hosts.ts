import type { Translation } from '../english.ts'

export const hosts = {
  'grants.not-given': () => '此文件未交给此页面。请重新打开。',
  'grants.not-to-read': (v) => `${v.name} 未交给此页面读取。`,
  'grants.not-to-write': (v) => `${v.name} 未交给此页面写入。`,
  'grants.own-page': () => '只有页面本身可以这样做。',
  'grants.not-a-file': () => '拖入的不是此计算机上的文件。',

  'runs.gone': () => '此次运行已不在列表中：已在其他窗口中继续或删除。',
  'runs.too-many': (v) => `已有 ${v.most} 个运行在进行或等待。请取消其中一些，或等它们结束后再开始。`,
  'runs.elsewhere': (v) => `另一个进程（命令行或其他应用）正在写入 ${v.name}。请在那里停止。`,
  'runs.out-of-sight': (v) => `${v.name} 不在此页面可见的文件夹中。请将它放回，或用其所在文件夹启动主机。`,
  'runs.nothing-left': (v) => `${v.name} 没有可以继续的内容。请开始新的运行。`,
  'runs.no-report': (v) => `写入 ${v.name} 的运行没有报告。`,
  'runs.being-written': (v) => `正在写入 ${v.name}。请先取消。`,

  'host.connection-lost': () => '与 GhostSVD 的连接在收到答复之前断开。恢复后，可在“历史”中查看运行是否已开始。',
  'host.no-dialogs': () => '此页面在浏览器中运行：请在文件夹列表中选择文件，或将文件拖到页面上。',
  'host.file-elsewhere': () => '该文件位于提供此页面的机器上。',
  'host.no-folders': () => '桌面应用使用系统的对话框。',

  'uploads.busy': (v) => `${v.name} 已在上传。`,
  'uploads.twice': (v) => `拖入的内容中有两个 ${v.name}。请只拖入其中一个。`,
  'uploads.stopped': (v) => `${v.name} 停止传输。请重新上传。`,
  'uploads.aborted': (v) => `${v.name} 的上传已中断。`,
  'uploads.too-large': (v, w) =>
    `上传内容有 ${w.bytes(v.bytes)}，而临时文件夹只有 ${w.bytes(v.limit)}。请将文件放入启动主机时指定的文件夹。`,
  'uploads.bad-name': (v) => `${v.name} 不能用作上传的名称。`,
  'uploads.bad-drop': (v) => `${v.id} 不能用作一次拖放的标识。`,
  'uploads.refused': (v) => `服务器拒绝了该文件（HTTP ${v.status}）。`,
  'uploads.nothing': () => '拖入的内容中没有文件。',

  'serve.open-link': () => '请打开终端中显示的链接。',
  'serve.old-link': () => '此链接无效。请打开最近一次显示的链接。',
  'serve.port-in-use': (v) => `端口 ${v.port} 已被占用。请选择其他端口，或用 0 表示任意空闲端口。`,
  'serve.port-rights': (v) => `端口 ${v.port} 需要更高权限。请选择大于 1023 的端口。`,
  'serve.not-a-folder': (v) => `${v.path} 不是文件夹。`,
  'serve.not-named': (v) => `${v.name} 不是启动主机时指定的文件夹之一。`,
  'serve.too-many-entries': (v) => `此文件夹有 ${v.count} 项；最多列出 ${v.most} 项。请指定其中的某个文件夹。`,

  'merge.cancelled': () => '合并已取消。',
  'bench.not-handed': (v) => `无法通过 ${v.path} 将矩阵交给对照程序：“${v.fault}”。`,
  'bench.no-script': (v) => `“--peers”运行只在源码检出中才有的“test/bench/peers.py”：缺少 ${v.path}。`,
  'bench.no-window': () => '在应用中“bench”不测量 GPU（其他命令可使用）：请通过 npm 包运行，并安装 webgpu 包。',
  'bench.peers-ended': (v) => `“--peers”的 Python 进程已结束：“${v.reason}”。`,
  'bench.peers-said': (v) => `“--peers”的 Python 进程报告：“${v.line}”`,
} satisfies Partial<Translation>
