// SPDX-License-Identifier: Apache-2.0
// Home: the problem, the chain of stages with the state of every step, the champion, the last run.
import { useEffect } from "preact/hooks";
import type { Card, Project, Run, Step, StepState, Version } from "./api";
import { part } from "./api";
import { count, figureHelp, figureText, figureTitle, intervalText, mainFigures, plural, took, when } from "./figures";
import { Commands, Empty, Problem, Show, State, Tag, useReply } from "./parts";

const stages: [string, string][] = [
  ["ingest", "collects the data"], ["lake", "keeps every version"], ["prepare", "cleans, joins, splits"], ["train", "learns"], ["assess", "judges"],
  ["registry", "names the good"], ["serve", "answers"], ["monitor", "watches"], ["retrain", "learns again"],
];

/** What a stage lists: "prepare/clean/planes" and "prepare/clean/weather" are one line, "clean planes, weather". */
interface Line { word: string; about: string[]; state: StepState; title: string }

const worse: StepState[] = ["failed", "running", "todo", "done", "kept"];

function linesOf(steps: Step[]): Line[] {
  const lines: Line[] = [];
  for (const s of steps) {
    const [word = s.name, ...rest] = s.name.replace(`${s.stage}/`, "").split("/");
    const same = lines.find((l) => l.word === word && rest.length > 0);
    if (!same) { lines.push({ word, about: rest.length ? [rest.join("/")] : [], state: s.state, title: s.title }); continue; }
    same.about.push(rest.join("/"));
    if (worse.indexOf(s.state) < worse.indexOf(same.state)) same.state = s.state;
  }
  return lines;
}

function sum(steps: Step[]): string {
  const of = (...states: string[]) => steps.filter((s) => states.includes(s.state)).length;
  const failed = of("failed"), running = of("running"), todo = of("todo");
  if (failed) return `${failed} failed`;
  if (running) return "running";
  return todo ? `${todo} of ${steps.length} to do` : "up to date";
}

function Steps({ steps }: { steps: Step[] }) {
  return (
    <ul class="steps">
      {linesOf(steps).map((l) => (
        <li key={l.word} title={`${l.title}${l.about.length ? `: ${l.about.join(", ")}` : ""}`}>
          <State state={l.state} bare /> <span>{l.word} {l.about.length === 1 ? l.about[0] : l.about.length > 1 ? <span class="quiet">{l.about.length} tables</span> : null}</span>
        </li>
      ))}
    </ul>
  );
}

function Stage({ word, does, steps, extra }: { word: string; does: string; steps: Step[]; extra: string | undefined }) {
  const lit = steps.length > 0 || extra !== undefined;
  const worst = steps.some((s) => s.state === "failed") ? "failed" : steps.some((s) => s.state === "running") ? "running" : steps.some((s) => s.state === "todo") ? "todo" : "kept";
  return (
    <li class={lit ? `stage lit ${worst}` : "stage"}>
      <span class="dot" aria-hidden="true" />
      <h3>{word}</h3>
      <p class="does">{does}</p>
      {lit ? <p class="sum">{steps.length > 0 ? sum(steps) : extra}</p> : <p class="sum">not yet in this version</p>}
      {steps.length > 0 && <Steps steps={steps} />}
    </li>
  );
}

function Chain({ project, versions }: { project: Project; versions: Version[] }) {
  const extra: Record<string, string | undefined> = {
    lake: project.branch ? `branch ${project.branch}` : undefined,
    registry: versions.length ? plural(versions.length, "version") : project.model ? "no version yet" : undefined,
    serve: "running",
  };
  return (
    <section aria-labelledby="chain">
      <h2 id="chain">The chain</h2>
      <ol class="chain">
        {stages.map(([word, does]) => <Stage key={word} word={word} does={does} steps={project.steps.filter((s) => s.stage === word)} extra={extra[word]} />)}
      </ol>
    </section>
  );
}

export function Figures({ test }: { test: NonNullable<Card["test"]> }) {
  return (
    <dl class="figures">
      {mainFigures(test.task).filter((name) => name in test.metrics).map((name) => (
        <div key={name}>
          <dt>{figureTitle(name)}</dt>
          <dd class="value">{figureText(name, test.metrics[name])}</dd>
          <dd class="help">{intervalText(name, test.intervals?.[name])}{test.intervals?.[name] ? ": " : ""}{figureHelp(name)}{test.baseline && typeof test.baseline[name] === "number" ? ` (without a model: ${figureText(name, test.baseline[name])})` : ""}</dd>
        </div>
      ))}
    </dl>
  );
}

function Champion({ version }: { version: Version }) {
  const [card] = useReply<Card>(`api/models/${part(version.model)}/${version.version}`);
  const link = `#/models/${part(version.model)}/${version.version}`;
  return (
    <section aria-labelledby="champion">
      <h2 id="champion">In service</h2>
      <p class="lead"><a href={link}>{version.model} version {version.version}</a> {version.aliases?.map((a) => <Tag key={a}>{a}</Tag>)} <span class="quiet">made {when(version.time)}</span></p>
      <Show of={card}>{(c) => c.test ? (
        <>
          <Figures test={c.test} />
          <p class="quiet">On {count(c.test.rows)} rows that nothing was learned from. <a href={link}>All figures and pictures</a> · <a href={`#/try/${part(version.model)}`}>Try it</a></p>
        </>
      ) : <p class="quiet">This version carries no figures.</p>}</Show>
    </section>
  );
}

function LastRun({ run }: { run: Run }) {
  const ran = run.steps.filter((s) => s.state === "done").length, failed = run.steps.find((s) => s.state === "failed");
  return (
    <section aria-labelledby="last">
      <h2 id="last">Last run</h2>
      <p class="lead"><State state={run.state} /> <span class="quiet">{when(run.started)}{run.seconds !== undefined && `, took ${took(run.seconds)}`}</span></p>
      <p>{plural(ran, "step")} run, {run.steps.length - ran - (failed ? 1 : 0)} kept as they were. <a href={`#/runs/${part(run.run)}`}>Its steps</a> · <a href="#/runs">All runs</a></p>
      {failed && <p class="bad">{failed.said}</p>}
    </section>
  );
}

/** The question large, what is said about it below. */
function Hero({ project: p }: { project: Project }) {
  const [, question = p.problem || p.project, rest = ""] = /^(.*?[.?!])\s+(.*)$/s.exec((p.problem ?? "").trim()) ?? [];
  return <div class="hero"><p class="over">{p.project}</p><h1>{question}</h1>{rest && <p>{rest}</p>}</div>;
}

export function Home() {
  const [project, again] = useReply<Project>("api/project");
  const [runs, runsAgain] = useReply<Run[]>("api/runs");
  const [models] = useReply<Version[]>("api/models");
  const versions = models.state === "here" ? models.value : [];
  const last = runs.state === "here" ? runs.value[0] : undefined;
  const name = project.state === "here" ? project.value.model : undefined;
  const champion = versions.find((v) => v.aliases?.includes("champion") && (!name || v.model === name)) ?? versions[0];

  useEffect(() => {
    if (last?.state !== "running") return;
    const timer = setInterval(() => { if (!document.hidden) { again(); runsAgain(); } }, 5000);
    return () => clearInterval(timer);
  }, [last?.state]);

  return (
    <>
      <Show of={project}>{(p) => (
        <>
          <Hero project={p} />
          <Chain project={p} versions={versions} />
        </>
      )}</Show>
      {models.state === "failed" ? <Problem why={models.why} /> : champion ? <Champion version={champion} /> : models.state === "here" && (
        <Empty title="No model yet"><p>A run of the project ends with a registered model.</p></Empty>
      )}
      {last && <LastRun run={last} />}
      <Commands lines={[["Make everything that is out of date", "tarn run"], ["What a run would do, and why", "tarn status"], ["Check that the model can be made again, bit by bit", `tarn reproduce ${champion?.model ?? "MODEL"}`]]} />
    </>
  );
}
