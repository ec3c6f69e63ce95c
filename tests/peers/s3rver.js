// A store that speaks S3 and checks signatures: node s3rver.js PORT FOLDER BUCKET
const S3rver = require('../../setup/emu/node_modules/@20minutes/s3rver');
const [port, folder, bucket] = process.argv.slice(2);
new S3rver({
  port: +port, address: '127.0.0.1', silent: true, directory: folder, vhostBuckets: false,
  allowMismatchedSignatures: false, configureBuckets: [{ name: bucket }],
}).run().then(() => console.log('up'));
