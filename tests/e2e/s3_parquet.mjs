// SPDX-License-Identifier: Apache-2.0
// s3_parquet.mjs HYPARQUET URL [COLUMN...]: rows of a Parquet file behind a (presigned) URL as JSON, read by ranges as a
// reader of a data lake does: the footer, then the columns that are wanted. Says on stderr how much of the file was asked for.
const [folder, url, ...columns] = process.argv.slice(2)
const { asyncBufferFromUrl, parquetReadObjects } = await import(`${folder}/src/index.js`)

let requests = 0, bytes = 0
const counted = async (where, init) => {
    const reply = await fetch(where, init)
    const body = await reply.arrayBuffer()
    requests++
    bytes += init?.method === 'HEAD' ? 0 : body.byteLength
    return new Response(init?.method === 'HEAD' || reply.status === 403 ? null : body, { status: reply.status, headers: reply.headers })
}
const file = await asyncBufferFromUrl({ url, fetch: counted })
const rows = await parquetReadObjects({ file, columns: columns.length ? columns : undefined })
console.log(JSON.stringify(rows, (_, v) => (typeof v === 'bigint' ? Number(v) : v)))
console.error(`${requests} requests, ${bytes} of ${file.byteLength} bytes`)
