// SPDX-License-Identifier: Apache-2.0
// Runs, and the steps of one.
import type { Run } from "./api";
import { part } from "./api";
import { figureText, figureTitle, plural, took, when } from "./figures";
import { Bar, Commands, Empty, Id, Show, State, Table, useReply } from "./parts";

function mainFigure(run: Run): string {
  const name = run.figures && ["roc_auc", "accuracy", "rmse"].find((n) => typeof run.figures?.[n] === "number");
  return name ? `${figureTitle(name)} ${figureText(name, run.figures?.[name])}` : "";
}

const ran = (run: Run): number => run.steps.filter((s) => s.state === "done").length;

export function Runs() {
  const [runs] = useReply<Run[]>("api/runs");
  return (
    <>
      <h1>Runs</h1>
      <p class="quiet">A run makes what is out of date and keeps the rest. Runs that had nothing to do leave no trace here.</p>
      <Show of={runs}>{(list) => list.length === 0 ? <Empty title="No runs yet"><p>Start one in the project's folder: <code>tarn run</code></p></Empty> : (
        <Table caption="Runs, newest first" heads={["Started", "State", ["Took", "n"], ["Steps run", "n"], "Model", "Main figure"]}>
          {list.map((r) => (
            <tr key={r.run}>
              <th scope="row"><a href={`#/runs/${part(r.run)}`}>{when(r.started) || r.run}</a></th>
              <td><State state={r.state} /></td>
              <td class="n">{took(r.seconds)}</td>
              <td class="n">{ran(r)} of {r.steps.length}</td>
              <td>{r.model && <a href={`#/models/${part(r.model.name)}/${r.model.version}`}>{r.model.name} {r.model.version}</a>}</td>
              <td>{mainFigure(r)}</td>
            </tr>
          ))}
        </Table>
      )}</Show>
      <Commands lines={[["Run the project", "tarn run"], ["Run only as far as a stage", "tarn run --to train"], ["What a run would do", "tarn status"]]} />
    </>
  );
}

function Steps({ run }: { run: Run }) {
  const longest = Math.max(...run.steps.map((s) => s.seconds ?? 0), 0.001);
  return (
    <Table caption="Steps in the order in which they ran" heads={["Step", "State", ["Took", "n"], "", "What came of it"]}>
      {run.steps.map((s) => (
        <tr key={s.name}>
          <th scope="row" title={s.title}><code>{s.name}</code></th>
          <td><State state={s.state} /></td>
          <td class="n">{s.state === "kept" ? "" : took(s.seconds)}</td>
          <td class="barcell">{s.state !== "kept" && <Bar share={(s.seconds ?? 0) / longest} label={`${took(s.seconds)} of ${took(longest)}, the longest step`} />}</td>
          <td class={s.state === "failed" ? "bad said" : "said"}>{s.said ?? s.why}</td>
        </tr>
      ))}
    </Table>
  );
}

export function RunPage({ run: id }: { run: string }) {
  const [runs] = useReply<Run[]>("api/runs");
  return (
    <Show of={runs}>{(list) => {
      const run = list.find((r) => r.run === id);
      if (!run) return <Empty title="No such run"><p>Of older runs only what they made is kept. <a href="#/runs">All runs</a></p></Empty>;
      return (
        <>
          <p class="over"><a href="#/runs">Runs</a></p>
          <h1>Run of {when(run.started) || run.run}</h1>
          <p class="lead"><State state={run.state} /> <span class="quiet">took {took(run.seconds)}; {plural(ran(run), "step")} run, the others kept</span></p>
          <dl class="facts">
            {run.model && <div><dt>Model</dt><dd><a href={`#/models/${part(run.model.name)}/${run.model.version}`}>{run.model.name} version {run.model.version}</a></dd></div>}
            {run.commit && <div><dt>Commit</dt><dd><Id id={run.commit} /></dd></div>}
            <div><dt>Run</dt><dd><code>{run.run}</code></dd></div>
          </dl>
          <Steps run={run} />
          <Commands lines={[["Run again what is out of date", "tarn run"], ...(run.commit ? [["What the commit holds", `tarn lake show ${run.commit.slice(0, 12)}`] as [string, string]] : [])]} />
        </>
      );
    }}</Show>
  );
}
