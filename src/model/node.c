/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - the list of node kinds, and what their checks share. See node.h. */
#include "model/node.h"

#include <math.h>
#include <string.h>

#define TARN_NODE(name) extern const tarn_node_kind tarn_node_##name;
#include "model/nodes.def"
#undef TARN_NODE

static const tarn_node_kind *const table[] = {
#define TARN_NODE(name) &tarn_node_##name,
#include "model/nodes.def"
#undef TARN_NODE
};

int tarn_node_count(void) { return (int)(sizeof table / sizeof *table); }

const tarn_node_kind *tarn_node_at(int i) { return i >= 0 && i < tarn_node_count() ? table[i] : NULL; }

const tarn_node_kind *tarn_node_find(const char *name)
{
    for (int i = 0; i < tarn_node_count(); i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}

const tarn_node_kind *tarn_node_by_id(uint32_t id)
{
    for (int i = 0; i < tarn_node_count(); i++)
        if (table[i]->id == id) return table[i];
    return NULL;
}

tarn_code tarn_node_check_len(const tarn_node_view *n, uint64_t want, tarn_err *err)
{
    if (n->len != want)
        return TARN_FAIL(err, TARN_CORRUPT, "payload has %zu bytes where %llu belong (%u in, %u out)", n->len,
                         (unsigned long long)want, n->n_in, n->n_out);
    return TARN_OK;
}

tarn_code tarn_node_check_finite(const double *x, size_t count, const char *what, tarn_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i])) return TARN_FAIL(err, TARN_CORRUPT, "%s[%zu] is not a finite number", what, i);
    return TARN_OK;
}
