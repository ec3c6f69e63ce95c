// SPDX-License-Identifier: Apache-2.0
// The card of a model version: figures in words, pictures, the candidates it won against, where it came from.
import { useEffect, useState } from "preact/hooks";
import type { Assessed, Card } from "./api";
import { part } from "./api";
import { bytes, count, figureHelp, figureText, figureTitle, intervalText, when } from "./figures";
import { Figures } from "./home";
import { Commands, Empty, Id, Show, Table, Tag, useReply } from "./parts";

const order = ["roc", "pr", "calibration", "confusion", "profit", "histogram", "predicted", "residuals", "importance"];

const marks: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'", "&amp;": "&" };
const plain = (xml: string): string => xml.replace(/&(lt|gt|quot|#39|apos|amp);/g, (m) => marks[m] ?? m);

/** A picture of the assessment. What it says in words stands in the picture itself, and becomes its caption. */
function Picture({ path }: { path: string }) {
  const [about, setAbout] = useState<{ title: string; text: string } | null>(null);
  useEffect(() => {
    let current = true;
    fetch(path).then((r) => (r.ok ? r.text() : "")).then((svg) => {
      const read = (name: string) => plain(new RegExp(`<${name}>([^<]*)<`).exec(svg)?.[1] ?? "");
      if (current && svg) setAbout({ title: read("title"), text: read("desc") });
    }).catch(() => undefined);
    return () => { current = false; };
  }, [path]);
  return (
    <figure>
      <img src={path} alt={about ? `${about.title}: ${about.text}` : ""} loading="lazy" width="520" height="380" />
      <figcaption>{about?.text}</figcaption>
    </figure>
  );
}

function Pictures({ card, base }: { card: Card; base: string }) {
  const rank = (path: string) => { const i = order.indexOf(path.replace(/^.*\//, "").replace(".svg", "")); return i < 0 ? order.length : i; };
  const paths = card.files.map((f) => f.path).filter((p) => p.endsWith(".svg")).sort((a, b) => rank(a) - rank(b));
  if (paths.length === 0) return null;
  return <section aria-labelledby="pictures"><h2 id="pictures">Pictures</h2><div class="pictures">{paths.map((p) => <Picture key={p} path={base + p.split("/").map(part).join("/")} />)}</div></section>;
}

function AllFigures({ test }: { test: Assessed }) {
  return (
    <details>
      <summary>All figures, with what they mean</summary>
      <Table caption="All figures on the test rows" heads={["Figure", ["Value", "n"], [`${100 * (test.interval?.level ?? 0.95)} % sure`, "n"], ["Without a model", "n"], "What it says"]}>
        {Object.entries(test.metrics).map(([name, x]) => (
          <tr key={name}><th scope="row">{figureTitle(name)}</th><td class="n">{figureText(name, x)}</td><td class="n">{intervalText(name, test.intervals?.[name])}</td><td class="n">{figureText(name, test.baseline?.[name])}</td><td>{figureHelp(name)}</td></tr>
        ))}
      </Table>
    </details>
  );
}

function Profit({ p, positive }: { p: NonNullable<Assessed["profit"]>; positive: string | undefined }) {
  const better = p.value - Math.max(p.none, p.all);
  return (
    <p>
      Acting on what it says is worth <strong>{count(Math.round(p.value))} {p.unit}</strong> on these rows: {count(Math.round(better))} {p.unit} {better >= 0 ? "more" : "less"} than
      the better of treating all rows as “{positive}” ({count(Math.round(p.all))}) or none ({count(Math.round(p.none))}).
    </p>
  );
}

function Leaderboard({ board }: { board: NonNullable<Card["leaderboard"]> }) {
  const names = [...new Set([board.metric, ...board.candidates.flatMap((c) => Object.keys(c.valid ?? {}))])].slice(0, 5);
  const sign = board.higher_is_better ? -1 : 1, value = (c: (typeof board.candidates)[0]) => c.valid?.[board.metric] ?? NaN;
  return (
    <section aria-labelledby="board">
      <h2 id="board">Candidates</h2>
      <p class="quiet">Compared on the validation rows by {figureTitle(board.metric)}: {figureHelp(board.metric)}.</p>
      <Table caption="Candidates, best first" heads={["Candidate", ...names.map((n): [string, "n"] => [figureTitle(n), "n"])]}>
        {[...board.candidates].sort((a, b) => sign * (value(a) - value(b))).map((c) => (
          <tr key={c.name} class={c.name === board.winner ? "winner" : ""}>
            <th scope="row">{c.name} {c.title && <span class="quiet">{c.title}</span>} {c.name === board.winner && <Tag>winner</Tag>}</th>
            {names.map((n) => <td class="n" key={n}>{figureText(n, c.valid?.[n])}</td>)}
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Lineage({ card }: { card: Card }) {
  const rows: [string, string | undefined, string][] = [
    ["Model", card.id, "hash of the model file; predictions carry it"], ["Version", card.commit, "commit of this version"],
    ["Data", card.data, "commit of the tables it learned from"], ["Recipe", card.recipe, "what made it: step, settings, code, inputs"],
  ];
  return (
    <section aria-labelledby="lineage">
      <h2 id="lineage">Where it comes from</h2>
      <dl class="facts">
        {rows.filter(([, id]) => id).map(([name, id, help]) => <div key={name}><dt>{name}</dt><dd><Id id={id!} /> <span class="quiet">{help}</span></dd></div>)}
        {card.run && <div><dt>Run</dt><dd><a href={`#/runs/${part(card.run.replace(/^run\//, ""))}`}>{card.run.replace(/^run\//, "")}</a></dd></div>}
        <div><dt>Made</dt><dd>{when(card.time)} by {card.author}{card.note && `: ${card.note}`}</dd></div>
      </dl>
      <details>
        <summary>What the model is made of: {card.nodes.length} nodes on {card.inputs} fields</summary>
        <ol class="nodes">{card.nodes.map((n, i) => <li key={i}><code>{n}</code></li>)}</ol>
      </details>
    </section>
  );
}

function Whole({ card }: { card: Card }) {
  const base = `api/models/${part(card.model)}/${card.version}/file/`, name = `${card.model}/${card.version}`;
  return (
    <>
      <p class="over"><a href="#/models">Models</a></p>
      <h1>{card.model} version {card.version} {card.aliases?.map((a) => <Tag key={a}>{a}</Tag>)}</h1>
      <p class="quiet">Predicts “{card.target}”. {card.files.some((f) => f.path === "report.html") && <a href={`${base}report.html`} target="_blank" rel="noreferrer">The report for people</a>} · <a href={`#/try/${part(card.model)}`}>Try it</a></p>
      {card.test ? (
        <section aria-labelledby="figures">
          <h2 id="figures">How good it is</h2>
          <Figures test={card.test} />
          {card.test.profit && <Profit p={card.test.profit} positive={card.test.positive} />}
          <p class="quiet">On {count(card.test.rows)} test rows that nothing was learned from{card.test.threshold !== undefined && `; “${card.test.positive}” from a probability of ${figureText("", card.test.threshold)} on`}.</p>
          <AllFigures test={card.test} />
        </section>
      ) : <Empty title="No figures"><p>This version was registered without an assessment.</p></Empty>}
      <Pictures card={card} base={base} />
      {card.leaderboard && card.leaderboard.candidates.length > 0 && <Leaderboard board={card.leaderboard} />}
      <Lineage card={card} />
      <section aria-labelledby="files">
        <h2 id="files">Files</h2>
        <ul class="files">{card.files.map((f) => <li key={f.path}><a href={base + f.path.split("/").map(part).join("/")} target="_blank" rel="noreferrer">{f.path}</a> <span class="quiet">{bytes(f.bytes)}</span></li>)}</ul>
      </section>
      <Commands lines={[["Make it again from the raw tables and compare every hash", `tarn reproduce ${name}`], ["Make it the champion", `tarn promote ${name}`], ["Predict a whole file", `tarn predict FILE --model ${name}`]]} />
    </>
  );
}

export function CardPage({ model, version }: { model: string; version: string }) {
  const [card] = useReply<Card>(`api/models/${part(model)}/${part(version)}`);
  return <Show of={card}>{(c) => <Whole card={c} />}</Show>;
}
