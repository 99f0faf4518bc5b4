/**
 * A report is one HTML file that needs nothing else: no network, no script but its own, which sorts its table. A policy inside the file
 * allows just these two, by their hashes, so that a name out of a weight file could run nothing even if it were not escaped.
 */
import type { Language } from '../messages/languages.ts'
import { darkPalette, lightPalette, type Palette, tokens } from './palette.ts'
import { escaped, fonts } from './svg.ts'

export interface ReportPage {
  readonly language: Language
  readonly title: string
  readonly subtitle: string
  /** Markup. */
  readonly body: string
}

const named = (palette: Palette) => tokens.map((token) => `--${token}:${palette[token]}`).join(';')

/** Sizes in px, but on paper. */
export const reportStyle = `:root{${named(lightPalette)};color-scheme:light}
@media (prefers-color-scheme:dark){:root{${named(darkPalette)};color-scheme:dark}}
body{margin:0;background:var(--surface);color:var(--text);font:14px/1.5 ${fonts}}
main{max-width:1080px;margin:0 auto;padding:32px 24px 48px}
h1{font-size:22px;line-height:1.3;margin:0;overflow-wrap:anywhere}
h2{font-size:16px;margin:36px 0 12px}
p{margin:4px 0}
.by,.dim{color:var(--text-2)}
.outcome{display:flex;flex-wrap:wrap;gap:12px 48px;margin-top:24px}
.outcome dt{color:var(--text-2);font-size:12px}
.outcome dd{margin:0;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}
.outcome dd small{display:block;font-size:12px;font-weight:400;color:var(--text-2)}
.caveat{margin-top:20px;padding-left:12px;border-left:3px solid var(--warn)}
.good{color:var(--good)}
.warn{color:var(--warn)}
figure{margin:0 0 24px;overflow-x:auto}
figure svg{max-width:100%;height:auto}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:0}
.facts dt{color:var(--text-2)}
.facts dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--sunken);padding:12px 16px;border-radius:8px;overflow-x:auto;font:12px/1.6 ui-monospace,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{position:sticky;top:0;background:var(--surface);color:var(--text-2);font-weight:400;white-space:nowrap}
th button{all:unset;cursor:pointer;padding:2px 0}
th button:focus-visible{outline:2px solid var(--accent-text)}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.n{text-align:right;white-space:nowrap}
td.name{overflow-wrap:anywhere;min-width:200px}
@media print{:root{${named(lightPalette)};color-scheme:light}@page{size:A4;margin:16mm 14mm}main{max-width:none;padding:0}
body{font-size:10pt}table{font-size:8pt}h2{break-after:avoid}figure,.outcome,pre{break-inside:avoid}tr{break-inside:avoid}thead{display:table-header-group}th{position:static}.hint{display:none}}`

/** A press on a head sorts by that column, numbers as numbers; a second one turns it round. */
export const reportScript = `for(const table of document.querySelectorAll('table.sortable')){const body=table.tBodies[0];const heads=[...table.tHead.rows[0].cells];heads.forEach((head,column)=>{head.querySelector('button').addEventListener('click',()=>{const down=head.getAttribute('aria-sort')==='ascending';for(const other of heads)other.removeAttribute('aria-sort');head.setAttribute('aria-sort',down?'descending':'ascending');const key=(row)=>{const cell=row.cells[column];return cell.dataset.v===undefined?cell.textContent:Number(cell.dataset.v)};const order=(a,b)=>typeof a==='number'&&typeof b==='number'?a-b:String(a).localeCompare(String(b),undefined,{numeric:true});const rows=[...body.rows].sort((a,b)=>order(key(a),key(b)));if(down)rows.reverse();for(const row of rows)body.append(row)})})}`

/** SHA-256 of the two above, in base64; a test holds them to it and names them where they differ. */
export const styleHash = 'C5vctY8b8l2MyVpFwvME/lGQsqC/rEQmmOXlII2G3DY='
export const scriptHash = 'VJCn6ex7Fln4hbLBI5iso+BzHr7Y+96k1iGOSfq5eS8='

/** How a report begins, by which it is told from any other file. */
export const reportHtmlStart = '<!doctype html>\n<!-- GhostSVD report -->'

export function reportPage({ language, title, subtitle, body }: ReportPage): string {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `script-src 'sha256-${scriptHash}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `${reportHtmlStart}
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="by">${escaped(subtitle)}</p>
${body}
</main>
<script>${reportScript}</script>
</body>
</html>
`
}
