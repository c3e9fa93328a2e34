// @ts-check
/** What the pages look like: a mark, an icon, and a style that is light or dark. */

/** Two strokes of a pen, the second over the first. @param {string} first @param {string} second */
function drawMark(first, second) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" fill="none" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"><path stroke="${first}" d="M3 17.5c2 1.6 3.5 3.5 4.6 5.8C10 16.4 13.6 11 18.8 6.5"/><path stroke="${second}" d="M12.6 19.4c1.2 1.2 2.1 2.500 2.800 3.900C18.200 17 22.600 11.5 29 7.500"/></svg>`
}

export const mark = drawMark('currentColor', 'var(--accent)')
export const icon = `data:image/svg+xml,${encodeURIComponent(drawMark('#8a90a0', '#5b70f0'))}`

export const style = `
:root{--desk:#f5f3ee;--paper:#fffefb;--ink:#1a1d27;--soft:#5d6270;--line:#e3ded3;--accent:#2f46c0;--on-accent:#fff;
--tint:#eceefb;--shade:0 1px 2px rgb(40 34 20/.05),0 14px 40px rgb(40 34 20/.07)}
@media (prefers-color-scheme:dark){:root{--desk:#101218;--paper:#181b23;--ink:#eceae4;--soft:#a2a6b3;--line:#2b2f3b;
--accent:#a3b1ff;--on-accent:#10131f;--tint:#232946;--shade:0 0 0 1px #22262f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--desk);color:var(--ink);
font:1rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
.bar,main,.foot{width:min(100% - 3rem,51rem);margin:0 auto}
.bar,.foot,.bar nav,.foot nav,.brand,.actions,.person{display:flex;align-items:center}
.bar,.foot{justify-content:space-between;flex-wrap:wrap;gap:.5rem 1.5rem}
.bar{padding-block:1.1rem}.bar nav,.foot nav{gap:1.5rem}
.brand{gap:.6rem;font-weight:650;letter-spacing:-.01em;color:inherit;text-decoration:none}
.brand svg{display:block;width:1.9rem;height:1.9rem}
main{flex:1 0 auto;padding-block:clamp(1.5rem,6vw,4rem) 3rem}
.foot{padding-block:1.25rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}.foot p{margin:0}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
.bar nav a,.foot a,.link{color:var(--soft);text-decoration:none}
.bar nav a:hover,.foot a:hover,.link:hover{color:var(--ink);text-decoration:underline}
.link{border:0;padding:.25rem 0;background:none;font:inherit;cursor:pointer;text-underline-offset:.2em}
form{margin:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.3rem}
.skip{position:absolute;left:1rem;top:-5rem;z-index:1;padding:.6rem 1rem;border-radius:.6rem;background:var(--paper)}
.skip:focus{top:1rem}
h1{margin:0;font-size:clamp(2rem,6vw,3rem);line-height:1.12;letter-spacing:-.03em;font-weight:700;text-wrap:balance;overflow-wrap:anywhere}
.hero{max-width:40rem}.hero h1+.lead{margin-top:1rem}
.lead{margin:1.5rem 0 0;font-size:clamp(1.05rem,2.4vw,1.2rem);color:var(--soft);text-wrap:pretty}.lead b,.lead em{color:var(--ink)}
.lead b{font-weight:600;overflow-wrap:anywhere}
.actions{flex-wrap:wrap;gap:.75rem;margin-top:2rem}
.button{display:inline-block;padding:.7rem 1.3rem;border:1px solid var(--line);border-radius:.75rem;background:var(--paper);
color:var(--ink);font:inherit;font-weight:600;text-decoration:none;cursor:pointer;transition:border-color .12s,filter .12s}
.button:hover{border-color:var(--soft)}
.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}.primary:hover{filter:brightness(1.1)}
.steps{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:1.5rem 2.5rem;margin:clamp(2.5rem,8vw,4.5rem) 0 0;
padding:0;list-style:none;counter-reset:step}
.steps li{counter-increment:step;padding-top:1rem;border-top:2px solid var(--line)}
.steps li::before{content:counter(step);display:block;color:var(--accent);font-weight:700;font-variant-numeric:tabular-nums}
.steps h2{margin:.15rem 0 .35rem;font-size:1.05rem;line-height:1.35;letter-spacing:-.01em}
.steps p{margin:0;color:var(--soft);font-size:.95rem}.steps b{color:var(--ink);font-weight:600;overflow-wrap:anywhere}
.person{gap:1.1rem}.person p{margin:.25rem 0 0;overflow-wrap:anywhere}.person>div{min-width:0}
.avatar{flex:none;display:grid;place-items:center;width:4rem;height:4rem;border-radius:50%;background:var(--tint);color:var(--accent);
font-size:1.35rem;font-weight:650}
.soft{color:var(--soft)}
.sheet{padding:clamp(1.25rem,5vw,3rem);border:1px solid var(--line);border-radius:1.25rem;background:var(--paper);box-shadow:var(--shade)}
.sheet h1{font-size:clamp(1.5rem,4vw,2rem)}
table{width:100%;margin-top:2.25rem;border-collapse:collapse;table-layout:fixed}
caption{padding-bottom:.6rem;text-align:left;font-weight:650;letter-spacing:-.01em}
tbody th,td{padding:.6rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:baseline;font-weight:400;overflow-wrap:anywhere}
tbody th,thead th:first-child{width:32%}tbody th{padding-right:1rem;color:var(--soft)}
.unseen th{height:0;padding:0;border:0;font-size:0;line-height:0}
code,pre{font:.875em/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{margin:0;padding:.75rem 1rem;border-radius:.6rem;background:var(--desk);white-space:pre-wrap}
td time{margin-right:.6rem}
.signatures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));align-items:end;gap:2rem 2.5rem;margin-top:3.25rem}
.signatures p{margin:0;overflow-wrap:anywhere}
.hand{font:italic 1.7rem/1.2 "Snell Roundhand","Segoe Script","Brush Script MT","URW Chancery L","Apple Chancery","Lucida Handwriting",Georgia,serif;color:var(--accent)}
.keys code{display:block;color:var(--accent)}
.signatures .line{margin-top:.5rem;padding-top:.6rem;border-top:1.5px solid var(--ink);color:var(--soft);font-size:.875rem}
.line b{color:var(--ink);font-weight:600}
.signatures>div{display:grid;grid-template-rows:1fr auto;height:100%}.signatures .hand,.signatures .keys{align-self:end}
.signatures .line{min-height:4.5rem}
@media (max-width:34rem){.bar,main,.foot{width:calc(100% - 2.2rem)}.avatar{width:3.25rem;height:3.25rem;font-size:1.1rem}
tbody th,thead th:first-child{width:38%}.signatures .line{min-height:0}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media print{.bar nav,.foot,.actions{display:none}.sheet{border:0;box-shadow:none}}
`
