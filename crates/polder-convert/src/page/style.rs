//! The pages' style: the reader's own fonts, light and dark by the reader's setting.

pub(super) const STYLE: &str = "
:root{--ground:#fbfaf7;--sheet:#fff;--ink:#1d2624;--soft:#55625e;--line:#dfe3df;--accent:#0b6b57;--tint:#e7f2ee;
--warn:#8a4b00;--warn-tint:#fdf0dc;--gone:#7a2230;--gone-tint:#fbe9ec;--early:#28508a;--early-tint:#e8eff9;--code:#f1f3f0}
@media (prefers-color-scheme:dark){:root{--ground:#121716;--sheet:#1a2120;--ink:#e6ecea;--soft:#a3b0ac;--line:#313b38;
--accent:#6fd3b8;--tint:#17332c;--warn:#f2c078;--warn-tint:#3a2b14;--gone:#f0a3ae;--gone-tint:#3d1e24;--early:#a9c6f2;
--early-tint:#1c2a40;--code:#242d2b}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:0 1.25rem 4rem;max-width:80rem;background:var(--ground);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
a{color:var(--accent);text-underline-offset:.15em}
a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
main:focus{outline:none}
.skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:1rem;padding:.5rem 1rem;background:var(--sheet);z-index:1}
.top{padding:2.5rem 0 1.25rem;border-bottom:1px solid var(--line);margin-bottom:1.5rem}
.crumbs{margin:0;font-size:.9rem;min-height:1.4em}
h1{margin:.2rem 0 .5rem;font-size:clamp(1.6rem,4vw,2.3rem);line-height:1.2;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:0 0 .75rem;overflow-wrap:anywhere}
h2 code{font-size:.85rem;font-weight:400;vertical-align:middle}
p{overflow-wrap:anywhere}
h3{font-size:1.05rem;margin:0;overflow-wrap:anywhere}
.state{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;margin:.25rem 0;color:var(--soft)}
.lead{font-size:1.1rem;max-width:65ch;white-space:pre-line}
section>p{max-width:75ch;white-space:pre-line}
.badge{display:inline-block;padding:.05rem .5rem;border-radius:1rem;background:var(--tint);color:var(--accent);
font-size:.8rem;font-weight:600;white-space:nowrap}
.badge.good{background:var(--accent);color:var(--sheet)}
.badge.fading{background:var(--warn-tint);color:var(--warn)}
.badge.gone{background:var(--gone-tint);color:var(--gone)}
.badge.early{background:var(--early-tint);color:var(--early)}
dl{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:.75rem 0}
dl div{min-width:0}
dt{font-size:.8rem;color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}
.columns{display:grid;grid-template-columns:minmax(0,1fr);gap:1.5rem}
nav h2{font-size:.8rem;color:var(--soft);margin:0 0 .4rem}
nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
nav a{text-decoration:none;overflow-wrap:anywhere}nav a:hover{text-decoration:underline}
@media (min-width:64rem){.columns{grid-template-columns:12rem minmax(0,1fr)}
nav{position:sticky;top:1.5rem;align-self:start;max-height:90vh;overflow:auto}nav ul{flex-direction:column}}
main>section{background:var(--sheet);border:1px solid var(--line);border-radius:.6rem;padding:1.25rem;margin:0 0 1.25rem}
.scroll{overflow-x:auto;margin:.75rem 0 0}
table{border-collapse:collapse;width:100%;min-width:34rem;font-size:.92rem}
caption{text-align:left;font-size:.8rem;color:var(--soft);padding-bottom:.3rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;border-bottom:2px solid var(--line);font-size:.8rem;color:var(--soft);white-space:nowrap}
tbody th{font-weight:500}tbody th code{white-space:nowrap}
td{min-width:6rem;max-width:40rem;overflow-wrap:break-word}
.d1{padding-left:1.1rem}.d2{padding-left:2.2rem}.d3{padding-left:3.3rem}.d4{padding-left:4.4rem}.d5{padding-left:5.5rem}
.d6{padding-left:6.6rem}
.note{display:block;color:var(--soft);font-size:.93em}
td code,th code{overflow-wrap:break-word}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
code{font:.9em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--code);padding:.1em .35em;
border-radius:.25rem;overflow-wrap:anywhere}
.query{display:block;white-space:pre-wrap;margin-top:.35rem;padding:.4em .6em}
.cards{list-style:none;margin:0;padding:0;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}
.cards>li{border:1px solid var(--line);border-radius:.5rem;padding:1rem;background:var(--ground)}
.cards p{margin:.4rem 0}
.objects{list-style:none;margin:.5rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem}
@media (max-width:44rem){.scroll{overflow:visible}table{min-width:0}table,tbody,tr,th,td,caption{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{border-top:1px solid var(--line);padding:.6rem 0}
th,td{border:0;padding-top:.1rem;padding-bottom:.1rem;padding-right:0}tbody th code{white-space:normal}
td{max-width:none;position:relative;padding-left:6.5rem;min-height:1.5em}td code,th code{overflow-wrap:anywhere}td.empty{display:none}
td::before{content:attr(data-label);position:absolute;left:0;width:6rem;color:var(--soft);font-size:.8rem;line-height:1.9}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{body{max-width:none;background:#fff}nav,.skip{display:none}main>section{border:0;padding:0;break-inside:avoid-page}
.scroll{overflow:visible}}
";
