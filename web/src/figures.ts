// SPDX-License-Identifier: Apache-2.0
// Figures in words: names and meanings come from the program's own table of metrics.
import table from "virtual:figures";

const known = new Map(table.map((f) => [f.name, f]));

export const figureTitle = (name: string): string => known.get(name)?.title ?? name;
export const figureHelp = (name: string): string => known.get(name)?.help ?? "";

export function figureText(name: string, x: number | null | undefined): string {
  if (x === null || x === undefined) return "–";
  if (known.get(name)?.unit === "share" && !name.includes("auc")) return `${(100 * x).toFixed(1)} %`;
  return Math.abs(x) >= 1000 ? count(Math.round(x)) : x.toPrecision(4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** "0.81 to 0.84", or nothing. */
export const intervalText = (name: string, ends: [number, number] | undefined): string =>
  ends ? `${figureText(name, ends[0])} to ${figureText(name, ends[1])}` : "";

/** The figures that say most, for each task, in the order in which to show them. */
export function mainFigures(task: string | undefined): string[] {
  if (task === "regression") return ["rmse", "mae", "r2", "median_ae"];
  if (task === "multiclass") return ["accuracy", "balanced_accuracy", "log_loss", "roc_auc"];
  return ["roc_auc", "pr_auc", "precision", "recall", "brier", "ece"];
}

export const count = (n: number): string => n.toLocaleString("en-US");
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function took(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  if (seconds < 0.0005) return "0 s";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

/** 2026-11-22 10:44 UTC: the same for every reader, and as the commands print it. */
export const when = (time: string | undefined): string => (time ? time.slice(0, 16).replace("T", " ") + " UTC" : "");
export const short = (id: string | undefined): string => (id ?? "").slice(0, 12);
