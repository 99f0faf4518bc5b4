import type { Translation } from '../english.ts'

export const start = {
  'start.no-program': (v) => `没有“${v.program}”`,
  'start.no-package': () => '未安装 electron 包',
  'start.no-display': () => '没有显示器',
  'start.root': () => '其沙箱不能以“root”身份运行',
  'start.not-installed': (v, w) => `此处未安装，且${w.text(v.why)}`,
  'start.no-address': (v) => `“${v.address}”不是可供下载的地址`,
  'start.unreachable': (v) => `此处未安装，且无法连接“${v.host}”（“${v.why}”）`,
  'start.download-failed': (v) => `下载失败（见上文），退出码 ${v.code}；可用 “npx install-electron” 重试`,
  'start.library-missing': () => '缺少系统库，见上文',
  'start.no-sandbox': (v) =>
    `此系统不允许程序建立 Electron 所需的沙箱：“${v.setting}”为“${v.value}”。若允许此程序：“sudo chown root "${v.helper}" && sudo chmod 4755 "${v.helper}"”`,
  'start.ended-by': (v) => `它立即因“${v.signal}”结束`,
  'start.ended': (v) => `它立即结束，退出码 ${v.code}`,

  'start.fetching': () => '正在下载 Electron 运行时（约 110 MB，仅此一次）……',
  'start.in-browser': (v, w) => `无法使用 Electron 运行时（${w.text(v.why)}）；页面改在浏览器中打开。`,
  'start.no-window': () => '若没有窗口打开，请在浏览器中打开此地址。按“Ctrl+C” 结束。',
  'start.no-browser': () => '请在此计算机的浏览器中打开此地址，或通过 “ssh -L” 打开。按“Ctrl+C” 结束。',
} satisfies Partial<Translation>
