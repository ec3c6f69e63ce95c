// SPDX-License-Identifier: Apache-2.0
// The page: which view the address asks for, and the frame around it.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CardPage } from "./card";
import { Home } from "./home";
import { Models } from "./models";
import { Empty } from "./parts";
import { RunPage, Runs } from "./runs";
import "./style.css";
import { Try } from "./try";

const tabs: [string, string][] = [["", "Home"], ["runs", "Runs"], ["models", "Models"], ["try", "Try it"]];

const readHash = (): string[] => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map((s) => { try { return decodeURIComponent(s); } catch { return s; } });

function view(parts: string[]) {
  const [tab = "", a, b] = parts;
  if (tab === "") return <Home />;
  if (tab === "runs") return a ? <RunPage key={a} run={a} /> : <Runs />;
  if (tab === "models") return a && b ? <CardPage key={`${a}/${b}`} model={a} version={b} /> : <Models />;
  if (tab === "try") return <Try key={a ?? ""} model={a} />;
  return <Empty title="There is no such page"><p>The address names a page that does not exist. <a href="#/">Go to the start.</a></p></Empty>;
}

function App() {
  const [parts, setParts] = useState(readHash);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useEffect(() => {
    const changed = () => setParts(readHash());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  useEffect(() => {
    const tab = tabs.find(([path]) => path === (parts[0] ?? ""))?.[1];
    document.title = [...parts.slice(1), tab ?? "Not found", "Tarn"].join(" · ");
    if (!first.current) { scrollTo(0, 0); main.current?.focus(); }
    first.current = false;
  }, [parts]);

  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <header>
        <div class="wide">
          <a class="name" href="#/" aria-label="Tarn, start page">
            <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><path class="rock" d="M2 20 11 6l5 8 3-4 11 10z" /><path class="water" d="M1 20h30c-2 5-8 8-15 8S3 25 1 20z" /></svg>
            Tarn
          </a>
          <nav aria-label="Pages">
            {tabs.map(([path, title]) => (
              <a key={path} href={`#/${path}`} aria-current={(parts[0] ?? "") === path ? "page" : undefined}>{title}</a>
            ))}
          </nav>
        </div>
      </header>
      <main class="wide" id="content" ref={main} tabIndex={-1}>{view(parts)}</main>
      <footer class="wide"><a href="openapi.json">API</a><a href="metrics">Metrics</a><a href="assets/licences.txt">Licences</a><span>Everything here comes from this machine.</span></footer>
    </>
  );
}

render(<App />, document.getElementById("page")!);
