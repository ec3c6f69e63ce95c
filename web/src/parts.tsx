// SPDX-License-Identifier: Apache-2.0
// Small things that every page is made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Refusal } from "./api";

/** A reply, while it is waited for, or why there is none. */
export type Loaded<T> = { state: "waiting" } | { state: "here"; value: T } | { state: "failed"; why: Refusal };

/** Ask for a path whenever it changes; null: nothing to ask. again() asks once more without showing "waiting". */
export function useReply<T>(path: string | null): [Loaded<T>, () => void] {
  const [loaded, set] = useState<Loaded<T>>({ state: "waiting" });
  const [turn, setTurn] = useState(0);
  const asked = useRef<string | null>(null);

  useEffect(() => {
    if (path === null) return;
    let current = true;
    if (asked.current !== path) set({ state: "waiting" });
    asked.current = path;
    ask<T>(path).then(
      (value) => current && set({ state: "here", value }),
      (why: unknown) => current && set({ state: "failed", why: why instanceof Refusal ? why : new Refusal(0, String(why)) }),
    );
    return () => { current = false; };
  }, [path, turn]);
  return [loaded, () => setTurn((n) => n + 1)];
}

/** A command that does what is shown, to copy. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).catch(() => undefined);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <span class="command">
      <code tabIndex={0}>{text}</code>
      <button type="button" class="copy" onClick={copy} aria-label={`Copy the command ${text.slice(0, 60)}`}>{copied ? "Copied" : "Copy"}</button>
    </span>
  );
}

export function Commands({ title = "From the command line", lines }: { title?: string; lines: [string, string][] }) {
  return (
    <section class="commands" aria-label={title}>
      <h2>{title}</h2>
      <dl>
        {lines.map(([what, text]) => (
          <div key={text}><dt>{what}</dt><dd><Command text={text} /></dd></div>
        ))}
      </dl>
    </section>
  );
}

export function Waiting() { return <p class="quiet" role="status">Loading …</p>; }

export function Problem({ why }: { why: Refusal }) {
  return (
    <div class="problem" role="alert">
      <strong>{why.status === 0 ? "No connection" : why.status === 404 ? "Not found" : "That did not work"}</strong>
      <p>{why.message}</p>
      {why.remedy && (why.remedy.startsWith("tarn ") ? <Command text={why.remedy} /> : <p>{why.remedy}</p>)}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return <div class="empty"><strong>{title}</strong>{children}</div>;
}

/** Show what was loaded, or that it is not there yet, or why not. */
export function Show<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  if (of.state === "waiting") return <Waiting />;
  if (of.state === "failed") return <Problem why={of.why} />;
  return <>{children(of.value)}</>;
}

/** A table that scrolls by itself on narrow screens. */
export function Table({ caption, heads, children }: { caption: string; heads: (string | [string, "n"])[]; children: ComponentChildren }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead><tr>{heads.map((h) => (typeof h === "string" ? <th scope="col" key={h}>{h}</th> : <th scope="col" class="n" key={h[0]}>{h[0]}</th>))}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

const glyphs: Record<string, string> = { kept: "✓", done: "✓", todo: "○", running: "◐", failed: "✕" };
const words: Record<string, string> = { kept: "up to date", done: "done", todo: "to do", running: "running", failed: "failed" };

export const stateWord = (state: string): string => words[state] ?? state;

export function State({ state, bare = false }: { state: string; bare?: boolean }) {
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{glyphs[state] ?? "·"}</span>
      {bare ? <span class="unseen">{stateWord(state)}</span> : ` ${stateWord(state)}`}
    </span>
  );
}

export function Tag({ children }: { children: ComponentChildren }) { return <span class="tag">{children}</span>; }

/** An id, shortened to look at, whole to copy. */
export function Id({ id }: { id: string }) { return <code class="id" title={id}>{id.slice(0, 12)}</code>; }

/** A bar from 0 to 1. Its width is set by script, since the page allows no inline style. */
export function Bar({ share, mark, label }: { share: number; mark?: number | undefined; label: string }) {
  const pct = (x: number) => `${100 * Math.min(1, Math.max(0, x))}%`;
  return (
    <span class="bar" role="img" aria-label={label}>
      <span class="fill" style={{ width: pct(share) }} />
      {mark !== undefined && <span class="mark" style={{ left: pct(mark) }} />}
    </span>
  );
}
