import type { Translation } from '../english.ts'

export const files = {
  'files.not-found': (v) => `找不到 ${v.name}。`,
  'files.cannot-read': (v, w) => `无法读取 ${v.name}：${w.text(v.why)}。`,
  'files.cannot-write': (v, w) =>
    v.written === null
      ? `无法写入 ${v.name}：${w.text(v.why)}。`
      : `${v.name} 写到 ${w.bytes(v.written)} 后无法继续：${w.text(v.why)}。`,
  'files.choose-folder': () => '请选择其他文件夹。',
  'files.choose-name': () => '请选择其他名称。',
  'files.close-and-retry': () => '请在该程序中关闭它后重试，或选择其他名称。',
  'files.remove-by-hand': () => '请手动删除它。',

  'system.folder-gone': () => '其文件夹不存在',
  'system.EACCES': () => '权限不足',
  'system.EBUSY': () => '另一个程序正在使用它',
  'system.EDQUOT': () => '磁盘配额已用完',
  'system.EFBIG': () => '文件超过此文件系统允许的大小',
  'system.EIO': () => '磁盘报告了输入输出错误',
  'system.EISDIR': () => '它是文件夹',
  'system.ELOOP': () => '其符号链接形成循环',
  'system.EMFILE': () => '此进程打开的文件过多',
  'system.ENAMETOOLONG': () => '名称超过此文件系统允许的长度',
  'system.ENFILE': () => '系统打开的文件过多',
  'system.ENODEV': () => '设备已不存在',
  'system.ENOSPC': () => '磁盘已满',
  'system.ENOTDIR': () => '其路径中有一部分不是文件夹',
  'system.ENXIO': () => '它不是普通文件',
  'system.EPERM': () => '不允许此操作',
  'system.EROFS': () => '文件系统为只读',
  'system.ESTALE': () => '网络文件系统丢失了它',
  'system.ETXTBSY': () => '它正在被执行',
  'system.open-elsewhere': () => '另一个程序打开了它',
  'system.read-only-file': () => '它被标记为只读',
  'system.other': (v) => `系统报告“${v.code}”`,

  'files.exists': (v) => `${v.name} 已存在。`,
  'files.exists-damaged': (v) => `${v.name} 的内容已损坏。`,
  'files.exists-outdated': () => '其源文件在写出之后已更改。',
  'files.choose-or-overwrite': (_, w) => `请选择其他名称，或${w.act('overwrite')}。`,
  'files.link': (v) => `${v.name} 是指向别处的链接。请选择其他名称。`,
  'files.link-out': (v) => `${v.name} 是指向 ${v.folder} 之外的链接。`,
  'files.is-source': (v) => `${v.name} 就是源文件，或包含源文件。请为 ${v.target} 选择其他名称。`,
  'files.is-source-folder': (v) => `${v.name} 是源文件所在的文件夹。请为 ${v.target} 选择其他名称。`,
  'files.one-output': (v) => `${v.first} 和 ${v.second} 都会写入 ${v.target}。请将其中一个改名，或逐个写入。`,
  'files.no-temporary': (v) => `无法在 ${v.folder} 中创建临时文件夹（“${v.fault}”）。请用“TMPDIR”指定其他位置。`,
  'files.in-the-way': (v) =>
    `${v.name} 挡住了位置，且无法证明它由未完成的运行留下。请移走或删除它，或为 ${v.target} 选择其他名称。`,
  'files.current-folder-gone': () => '启动此命令的文件夹已不存在。请先切换到其他文件夹。',
  'files.other-disk': (v) =>
    `${v.name} 是另一个磁盘，或指向另一个磁盘的链接：输出先写在其名称旁，再一步移入。请选择它里面的名称。`,
  'files.target-not-regular': (v) => `${v.name} 不是普通文件。请选择其他名称。`,
  'files.bad-name': (v) => `${v.name} 在此处不能用作文件名。请选择其他名称。`,
  'files.not-in-folder': (v) => `${v.name} 不是此文件夹中文件的名称。`,
  'files.no-space': (v, w) =>
    `${v.name} 需要 ${w.bytes(v.needed)}，${v.folder} 中可用空间为 ${w.bytes(v.free)}。请释放空间，或选择其他文件夹。`,
  'files.folder-gone': (v) => `文件夹 ${v.name} 不存在。请选择其他文件夹。`,
  'files.being-written': (v) => `另一次运行正在写入 ${v.name}。请等它完成，或选择其他名称。`,
  'files.taken-over': (v) => `另一次运行正在写入 ${v.name}，它已替换此次运行的文件。`,
  'files.record-in-the-way': (v) =>
    `${v.name} 会替换此次运行的${v.of === 'output' ? '输出' : v.of === 'recipe' ? '配方' : '报告'}。请为它选择其他名称。`,
  'files.read-back': (v) => `${v.name}：从第 ${v.byte} 字节起读回的内容与写入的不同。磁盘或其驱动程序有故障。`,

  'files.is-folder': (v) => `${v.name} 是文件夹，不是文件。`,
  'files.not-regular': (v) => `${v.name} 不是普通文件。`,
  'files.neither': (v) => `${v.name} 既不是文件夹也不是普通文件。`,
  'files.too-large': (v, w) => `${v.name} 有 ${w.bytes(v.bytes)}；此类文件最多读取 ${w.bytes(v.limit)}。`,
  'files.no-memory': (v, w) => `读取 ${v.name} 需要 ${w.bytes(v.bytes)} 内存，目前没有空闲。`,
  'files.shorter': (v, w) =>
    `${v.name} 在读取时变短：应有 ${w.count(v.before)} 字节，实际只有 ${w.count(v.after)} 字节。请重新打开。`,
  'files.removed': (v) => `${v.name} 在读取时被移走或改名。请重新打开。`,
  'files.replaced': (v) => `${v.name} 在读取时被另一个文件替换。请重新打开。`,
  'files.resized': (v, w) =>
    `${v.name} 在读取时被修改：原有 ${w.count(v.before)} 字节，现有 ${w.count(v.after)} 字节。请重新打开。`,
  'files.modified': (v) => `${v.name} 在读取时被修改。请重新打开。`,
} satisfies Partial<Translation>
