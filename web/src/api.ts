// SPDX-License-Identifier: Apache-2.0
// What the server says, as types; and asking it.

export type StepState = "todo" | "running" | "done" | "kept" | "failed";
export interface Step { name: string; stage: string; title: string; state: StepState; why?: string; seconds?: number; said?: string }
export interface Project { project: string; problem?: string; branch?: string; model?: string; alias?: string; steps: Step[]; todo?: number }
export interface Run {
  run: string; state: string; started?: string; seconds?: number; ran?: number; steps: Step[]; commit?: string;
  model?: { name: string; version: number; alias: string; id: string; new?: boolean };
  figures?: Record<string, number | null>;
}
export interface Version {
  model: string; version: number; time: string; author: string; note: string; id: string; commit: string;
  data?: string; recipe?: string; run?: string; aliases?: string[];
}
export interface Assessed {
  task: string; rows: number; positive?: string; threshold?: number; metrics: Record<string, number | null>;
  baseline?: Record<string, number | null>;
  intervals?: Record<string, [number, number]>; interval?: { level: number };
  per_class?: { name: string; rows: number; predicted: number; precision: number | null; recall: number | null; f1: number | null }[];
  profit?: { unit: string; threshold: number; value: number; best_threshold: number; best_value: number; none: number; all: number };
}
export interface Candidate { name: string; title?: string; algo?: string; seconds?: number; valid?: Record<string, number | null> }
export interface Card extends Version {
  files: { path: string; bytes: number }[];
  leaderboard?: { metric: string; higher_is_better: boolean; winner: string; candidates: Candidate[] };
  test?: Assessed; nodes: string[]; target: string; inputs: number;
}
export interface Field {
  name: string; kind: "number" | "category" | "time" | "text"; required: boolean; least?: number | string; most?: number | string;
  levels?: string[]; importance?: number;
}
export interface Schema { model: string; version: number; task: string; target: string; classes: string[]; positive?: string; threshold?: number; fields: Field[] }
export interface Prediction { id: string; prediction: number; label?: string; probability?: number; probabilities?: Record<string, number>; unseen?: string[] }
export interface Answer { model: string; version: number; positive?: string; threshold?: number; predictions: Prediction[] }

/** An error reply, or none at all: status 0 means that the server could not be reached. */
export class Refusal extends Error {
  constructor(readonly status: number, message: string, readonly remedy?: string) { super(message); }
}

export async function ask<T>(path: string, body?: unknown): Promise<T> {
  let reply: Response;
  try {
    reply = await fetch(path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Refusal(0, "The server does not answer. It may have been stopped.", "tarn serve");
  }
  const value: unknown = await reply.json().catch(() => null);
  if (!reply.ok) {
    const error = value as { error?: string; remedy?: string } | null;
    throw new Refusal(reply.status, error?.error ?? `The server answered ${reply.status}.`, error?.remedy);
  }
  return value as T;
}

export const part = encodeURIComponent;
