// SPDX-License-Identifier: Apache-2.0
// Every version of every model.
import type { Version } from "./api";
import { part } from "./api";
import { when } from "./figures";
import { Commands, Empty, Id, Show, Table, Tag, useReply } from "./parts";

export function Models() {
  const [models] = useReply<Version[]>("api/models");
  const first = models.state === "here" ? models.value[0] : undefined;
  return (
    <>
      <h1>Models</h1>
      <p class="quiet">A version never changes. An alias, such as champion, points at one; requests that name only the model get the champion.</p>
      <Show of={models}>{(list) => list.length === 0 ? <Empty title="No models yet"><p>A run of the project registers the best candidate: <code>tarn run</code></p></Empty> : (
        <>
          {[...new Set(list.map((v) => v.model))].map((name) => (
            <section key={name}>
              <h2>{name}</h2>
              <Table caption={`Versions of ${name}, newest first`} heads={["Version", "Aliases", "Made", "By", "Note", "Model id"]}>
                {list.filter((v) => v.model === name).map((v) => (
                  <tr key={v.version}>
                    <th scope="row"><a href={`#/models/${part(v.model)}/${v.version}`}>{v.version}</a></th>
                    <td>{v.aliases?.map((a) => <Tag key={a}>{a}</Tag>)}</td>
                    <td>{when(v.time)}</td>
                    <td>{v.author}</td>
                    <td>{v.note}</td>
                    <td><Id id={v.id} /></td>
                  </tr>
                ))}
              </Table>
            </section>
          ))}
        </>
      )}</Show>
      <Commands lines={[["List them", "tarn models"], ["Make a version the champion, or go back to one", `tarn promote ${first ? `${first.model}/${first.version}` : "MODEL/VERSION"}`]]} />
    </>
  );
}
