// SPDX-License-Identifier: Apache-2.0
declare module "virtual:figures" {
  const table: { name: string; title: string; unit: string; help: string }[];
  export default table;
}
declare module "*.css";
