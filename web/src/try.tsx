// SPDX-License-Identifier: Apache-2.0
// Try it: a form made from the model's own schema, its answer, and the commands that do the same.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, Field, Schema, Version } from "./api";
import { ask, part, Refusal } from "./api";
import { figureText } from "./figures";
import { Bar, Command, Empty, Problem, Show, useReply } from "./parts";

type Values = Record<string, string>;
const FEW = 40; // levels that a select still shows well

/** A value in the middle of what training has seen, to start from. */
function middle(f: Field): string {
  if (f.kind === "category") return f.levels?.[Math.floor((f.levels.length - 1) / 2)] ?? "";
  if (f.least === undefined || f.most === undefined) return "";
  if (f.kind === "time") return new Date((Date.parse(String(f.least)) + Date.parse(String(f.most))) / 2).toISOString().slice(0, 16);
  const a = Number(f.least), b = Number(f.most), x = (a + b) / 2;
  const digits = Number.isInteger(a) && Number.isInteger(b) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(b - a || 1)));
  return x.toFixed(Math.min(digits, 6));
}

/** The record that the form means; an empty field is left out, which counts as missing. */
function recordOf(schema: Schema, values: Values): Record<string, number | string> {
  const record: Record<string, number | string> = {};
  for (const f of schema.fields) {
    const text = values[f.name] ?? "";
    if (text === "") continue;
    record[f.name] = f.kind === "number" ? Number(text) : f.kind === "time" ? `${text.length === 16 ? `${text}:00` : text}Z` : text;
  }
  return record;
}

function hint(f: Field): string {
  if (f.kind === "category") return `${f.levels?.length ?? 0} known`;
  if (f.kind === "text") return "any text";
  if (f.least === undefined || f.most === undefined) return "";
  const show = (x: number | string) => (f.kind === "time" ? String(x).slice(0, 10) : figureNumber(Number(x)));
  return `seen: ${show(f.least)} to ${show(f.most)}`;
}
const figureNumber = (x: number): string => String(Number(x.toPrecision(6)));

function outside(f: Field, text: string): boolean {
  if (text === "" || f.least === undefined || f.most === undefined) return false;
  if (f.kind === "number") return Number(text) < Number(f.least) || Number(text) > Number(f.most);
  return f.kind === "time" && (Date.parse(`${text}Z`) < Date.parse(String(f.least)) || Date.parse(`${text}Z`) > Date.parse(String(f.most)));
}

function Input({ f, value, set }: { f: Field; value: string; set: (text: string) => void }) {
  const id = `field-${f.name}`, about = `${id}-hint`, off = outside(f, value);
  const common = { id, name: f.name, required: f.required, "aria-describedby": about, value, onInput: (e: Event) => set((e.currentTarget as HTMLInputElement | HTMLTextAreaElement).value) };
  return (
    <div class="field">
      <label for={id}>{f.name}{f.required ? <span class="must" title="must be given"> *</span> : null}</label>
      {f.kind === "category" && f.levels && f.levels.length <= FEW ? (
        <select {...common}>
          {!(f.required && value !== "") && <option value="">{f.required ? "choose …" : "missing"}</option>}
          {f.levels.map((level) => <option key={level} value={level}>{level}</option>)}
        </select>
      ) : f.kind === "category" ? (
        <><input {...common} type="text" list={`${id}-list`} placeholder={f.required ? "" : "missing"} autocomplete="off" /><datalist id={`${id}-list`}>{f.levels?.map((level) => <option key={level} value={level} />)}</datalist></>
      ) : f.kind === "text" ? <textarea {...common} rows={3} placeholder={f.required ? "" : "missing"} />
        : f.kind === "time" ? <input {...common} type="datetime-local" step="60" />
        : <input {...common} type="number" step="any" inputMode="decimal" placeholder={f.required ? "" : "missing"} />}
      <small id={about} class={off ? "off" : ""}>{off ? `outside of what it has seen (${hint(f).replace("seen: ", "")})` : hint(f)}</small>
    </div>
  );
}

function Result({ answer }: { answer: Answer }) {
  const p = answer.predictions[0];
  if (!p) return null;
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  return (
    <>
      <p class="answer" data-test="label">{p.label ?? figureText("", p.prediction)}</p>
      {p.probability !== undefined && answer.positive !== undefined && (
        <>
          <Bar share={p.probability} mark={answer.threshold} label={`probability of ${answer.positive}: ${percent(p.probability)}`} />
          <p>Probability of “{answer.positive}”: <strong data-test="probability">{percent(p.probability)}</strong>. From {percent(answer.threshold ?? 0.5)} on it is called “{answer.positive}”.</p>
        </>
      )}
      {p.probabilities && <ul class="classes">{Object.entries(p.probabilities).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([name, x]) => <li key={name}><span>{name}</span><Bar share={x} label={percent(x)} /><span class="n">{percent(x)}</span></li>)}</ul>}
      {p.unseen && <p class="off">Never seen in training: {p.unseen.join(", ")}. The answer treats that as unknown.</p>}
      <p class="quiet">{answer.model} version {answer.version}, logged as <code data-test="id">{p.id}</code></p>
      <h3>Why?</h3>
      <p class="quiet">Follow it back to its model, the run, the commit and the rows:</p>
      <Command text={`tarn why ${p.id}`} />
    </>
  );
}

function Form({ schema }: { schema: Schema }) {
  const start = (): Values => Object.fromEntries(schema.fields.map((f) => [f.name, f.required ? middle(f) : ""]));
  const [values, setValues] = useState<Values>(start);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [why, setWhy] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const out = useRef<HTMLElement>(null);
  const record = recordOf(schema, values);
  const body = JSON.stringify(record).replaceAll("'", "\\u0027");

  const send = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      setAnswer(await ask<Answer>(`serve/${part(schema.model)}`, record));
      setWhy(null);
    } catch (x) {
      setAnswer(null);
      setWhy(x instanceof Refusal ? x : new Refusal(0, String(x)));
    }
    setBusy(false);
  };
  useEffect(() => { if (answer || why) out.current?.scrollIntoView({ block: "nearest" }); }, [answer, why]);

  return (
    <div class="try">
      <form onSubmit={send}>
        <div class="fields">{schema.fields.map((f) => <Input key={f.name} f={f} value={values[f.name] ?? ""} set={(text) => setValues((v) => ({ ...v, [f.name]: text }))} />)}</div>
        <p class="quiet">Fields with <span class="must">*</span> must be given. Empty ones count as missing; times are UTC.</p>
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy}>{busy ? "Predicting …" : "Predict"}</button>
          <button type="button" onClick={() => setValues((v) => Object.fromEntries(schema.fields.map((f) => [f.name, v[f.name] || middle(f)])))}>Fill what is empty</button>
          <button type="button" onClick={() => { setValues(start()); setAnswer(null); setWhy(null); }}>Start over</button>
        </div>
      </form>
      <aside ref={out} aria-live="polite" aria-label="Answer">
        <h2>Answer</h2>
        {why ? <Problem why={why} /> : answer ? <Result answer={answer} /> : <p class="quiet">Nothing asked yet.</p>}
        <h3>The same from a terminal</h3>
        <Command text={`curl -s ${location.origin}/serve/${part(schema.model)} -d '${body}'`} />
      </aside>
    </div>
  );
}

export function Try({ model }: { model: string | undefined }) {
  const [models] = useReply<Version[]>(model ? null : "api/models");
  const name = model ?? (models.state === "here" ? models.value[0]?.model : undefined);
  const [schema] = useReply<Schema>(name ? `serve/${part(name)}/schema` : null);

  if (!name) return <Show of={models}>{() => <Empty title="No model to try"><p>A run of the project registers one: <code>tarn run</code></p></Empty>}</Show>;
  return (
    <>
      <h1>Try {name}</h1>
      <Show of={schema}>{(s) => (
        <>
          <p class="quiet">Version {s.version} predicts “{s.target}”{s.classes.length > 0 && <>: {s.classes.map((c) => `“${c}”`).join(" or ")}</>}. The form is made from the model itself; every answer is logged, with an id.</p>
          <Form key={s.version} schema={s} />
        </>
      )}</Show>
    </>
  );
}
