/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h.
 *
 * A valid token is let in whatever was tried from its address before: it cannot be guessed, and costs nothing to check.
 * Passwords can and do, so wrong ones from an address make the next one wait.
 *
 * A cookie comes with requests that its owner did not mean, if another site makes the browser send them. Three things
 * stand against that: SameSite=Strict, the refusal of cross-site POSTs by Sec-Fetch-Site at the door (http.c), and
 * here: with a cookie, what is not GET or HEAD must be JSON, which a foreign form cannot send. */
#include "serve/guard.h"

#include "base/mem.h"
#include "base/secret.h"
#include "serve/authorization.h"
#include "serve/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { SESSIONS = 256, ADDRESSES = 512, FREE_TRIES = 5, MOST_WAIT_S = 60, SESSION_S = 12 * 3600, COOKIE = 44 };
static const double forgotten_s = 900;
static const char cookie_name[] = "tarn_session";

struct tarn_guard {
    pthread_mutex_t lock;
    struct {
        tarn_id hash, stamp; /* of the cookie's text; what stood for the password when it was opened */
        char user[TARN_USER_NAME];
        double end;
    } sessions[SESSIONS];
    struct {
        char peer[64];
        int wrong;
        double until, last;
    } addresses[ADDRESSES];
};

tarn_code tarn_guard_new(tarn_guard **out, tarn_err *err)
{
    tarn_code rc = tarn_alloc(out, 1, sizeof **out, err);

    if (rc == TARN_OK) (void)pthread_mutex_init(&(*out)->lock, NULL);
    return rc;
}

void tarn_guard_free(tarn_guard *g)
{
    if (!g) return;
    (void)pthread_mutex_destroy(&g->lock);
    tarn_free(g);
}

/* ---- wrong passwords ---- */

/* An address, or the /64 of an IPv6 one, since that is what one machine gets. */
static const char *address_key(const char *peer, char out[64])
{
    struct in6_addr a;

    (void)snprintf(out, 64, "%.63s", peer);
    if (inet_pton(AF_INET6, peer, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a)) return out;
    memset(a.s6_addr + 8, 0, 8);
    (void)inet_ntop(AF_INET6, &a, out, 64);
    return out;
}

/* Under lock. */
static int find_address(const tarn_guard *g, const char *key)
{
    for (int i = 0; i < ADDRESSES; i++)
        if (g->addresses[i].wrong > 0 && strcmp(g->addresses[i].peer, key) == 0) return i;
    return -1;
}

int tarn_guard_wait(tarn_guard *g, const char *peer, double now)
{
    char key[64];

    (void)pthread_mutex_lock(&g->lock);
    int i = find_address(g, address_key(peer, key));
    double wait = i >= 0 ? g->addresses[i].until - now : 0;
    (void)pthread_mutex_unlock(&g->lock);
    return wait > 0 ? (int)wait + 1 : 0;
}

/* A free place, else that of the one who was quiet longest. Under lock. */
static int place_for(tarn_guard *g, const char *key)
{
    int oldest = 0;

    for (int i = 0; i < ADDRESSES; i++) {
        if (g->addresses[i].wrong == 0) oldest = i;
        if (g->addresses[i].wrong == 0) break;
        if (g->addresses[i].last < g->addresses[oldest].last) oldest = i;
    }
    g->addresses[oldest].wrong = 0;
    (void)snprintf(g->addresses[oldest].peer, sizeof g->addresses[oldest].peer, "%s", key);
    return oldest;
}

void tarn_guard_wrong(tarn_guard *g, const char *peer, double now)
{
    char key[64];

    (void)pthread_mutex_lock(&g->lock);
    int i = find_address(g, address_key(peer, key));
    if (i < 0) i = place_for(g, key);
    if (now - g->addresses[i].last > forgotten_s) g->addresses[i].wrong = 0;
    int over = ++g->addresses[i].wrong - FREE_TRIES;
    int wait = over < 0 ? 0 : over < 6 ? 1 << over : MOST_WAIT_S;
    g->addresses[i].last = now;
    g->addresses[i].until = now + wait;
    (void)pthread_mutex_unlock(&g->lock);
}

void tarn_guard_right(tarn_guard *g, const char *peer)
{
    char key[64];

    (void)pthread_mutex_lock(&g->lock);
    int i = find_address(g, address_key(peer, key));
    if (i >= 0) g->addresses[i].wrong = 0;
    (void)pthread_mutex_unlock(&g->lock);
}

/* ---- sessions ---- */

/* The oldest gives way. */
static tarn_code open_session(tarn_guard *g, const char *user, const tarn_id *stamp, char cookie[COOKIE], tarn_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    tarn_id hash;
    int at = 0;
    tarn_code rc = tarn_secret_text(letters, cookie, COOKIE - 1, err);

    if (rc == TARN_OK) rc = tarn_digest(cookie, COOKIE - 1, &hash, err);
    if (rc != TARN_OK) return rc;
    (void)pthread_mutex_lock(&g->lock);
    for (int i = 1; i < SESSIONS; i++)
        if (g->sessions[i].end < g->sessions[at].end) at = i;
    g->sessions[at].hash = hash;
    g->sessions[at].stamp = *stamp;
    g->sessions[at].end = tarn_seconds() + SESSION_S;
    (void)snprintf(g->sessions[at].user, sizeof g->sessions[at].user, "%s", user);
    (void)pthread_mutex_unlock(&g->lock);
    return TARN_OK;
}

/* The session of the request's cookie: its user and stamp, or false. end: it is closed. */
static bool find_session(tarn_guard *g, const tarn_call *call, bool end, char user[TARN_USER_NAME], tarn_id *stamp)
{
    const char *header = tarn_call_header(call, "Cookie");
    char cookie[COOKIE + 1];
    tarn_id hash;
    bool found = false;

    if (!header || !tarn_cookie_find(header, cookie_name, cookie, sizeof cookie) || strlen(cookie) != COOKIE - 1 ||
        tarn_digest(cookie, COOKIE - 1, &hash, NULL) != TARN_OK)
        return false;
    (void)pthread_mutex_lock(&g->lock);
    for (int i = 0; i < SESSIONS && !found; i++) {
        if (g->sessions[i].end <= tarn_seconds() || !tarn_secret_equal(g->sessions[i].hash.b, hash.b, sizeof hash.b))
            continue;
        found = true;
        (void)snprintf(user, TARN_USER_NAME, "%s", g->sessions[i].user);
        *stamp = g->sessions[i].stamp;
        if (end) g->sessions[i].end = 0;
    }
    (void)pthread_mutex_unlock(&g->lock);
    return found;
}

static tarn_code use_session(tarn_server *s, tarn_call *call, tarn_err *err)
{
    char user[TARN_USER_NAME];
    tarn_id stamp, now;
    const char *type = tarn_call_header(call, "Content-Type");
    bool reads = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;

    if (!find_session(s->guard, call, false, user, &stamp)) return TARN_OK;
    tarn_code rc = tarn_access_stamp(s->options.lake, user, &now, err);
    if (rc != TARN_OK || !tarn_id_equal(&stamp, &now)) return rc; /* nobody, then */
    if (!reads && !(type && strncmp(type, "application/json", 16) == 0) && strcmp(call->path, "/logout") != 0)
        return TARN_FAIL(err, TARN_DENIED, "with a session, what changes something must be sent as application/json");
    call->who.kind = TARN_WHO_USER;
    (void)snprintf(call->who.user, sizeof call->who.user, "%s", user);
    (void)snprintf(call->who.via, sizeof call->who.via, "session");
    return TARN_OK;
}

/* ---- who asks ---- */

static int try_password(tarn_server *s, tarn_call *call, const char *user, const char *password, size_t len,
                        tarn_err *why)
{
    double now = tarn_seconds();
    int wait = tarn_guard_wait(s->guard, call->peer, now);

    if (wait > 0) {
        call->retry_after = wait;
        tarn_metrics_denied(&s->metrics, TARN_DENIED_TOO_OFTEN);
        (void)TARN_FAIL(why, TARN_BUSY, "too many wrong passwords came from this address; try again in %d s", wait);
        return 429;
    }
    tarn_code rc = tarn_access_password(s->options.lake, user, password, len, &call->who, why);
    if (rc == TARN_DENIED) tarn_guard_wrong(s->guard, call->peer, tarn_seconds());
    else if (rc == TARN_OK) tarn_guard_right(s->guard, call->peer);
    return rc == TARN_OK ? 0 : rc == TARN_DENIED ? 401 : tarn_code_http(rc);
}

/* tried: the user that was named, for the audit log. */
static int use_header(tarn_server *s, tarn_call *call, const char *header, char tried[TARN_AUTH_USER], tarn_err *why)
{
    tarn_auth auth;
    int status = 0;
    tarn_code rc = tarn_auth_read(header, &auth, why);

    (void)snprintf(tried, TARN_AUTH_USER, "%s", auth.user);
    if (rc != TARN_OK) status = 401;
    else if (auth.basic && strncmp(auth.secret, "tarn_", 5) != 0)
        status = try_password(s, call, auth.user, auth.secret, auth.len, why);
    else {
        rc = tarn_access_token(s->options.lake, auth.secret, &call->who, why);
        if (rc == TARN_OK && auth.basic && auth.user[0] && strcmp(auth.user, call->who.user) != 0)
            rc = TARN_FAIL(why, TARN_DENIED, "the token does not belong to the user that is named with it");
        if (rc != TARN_OK) status = rc == TARN_DENIED ? 401 : tarn_code_http(rc);
    }
    tarn_secret_wipe(&auth, sizeof auth);
    return status;
}

static void refused_login(tarn_server *s, tarn_call *call, int status, const char *tried)
{
    tarn_err ignored = {0};

    call->who.kind = TARN_WHO_ANONYMOUS;
    call->who.user[0] = call->who.via[0] = '\0';
    tarn_code noted = tarn_audit_note(s->options.lake, &call->who, "login", tried, "denied", NULL, &ignored);
    (void)noted; /* refused it is in any case */
    if (status == 401) tarn_metrics_denied(&s->metrics, TARN_DENIED_BAD_CREDENTIAL);
}

/* A wrong credential is refused even where none is needed: who sends one wants to be somebody. */
static int find_who(tarn_server *s, tarn_call *call, tarn_err *why)
{
    const char *header = tarn_call_header(call, "Authorization");

    call->who = (tarn_who){.kind = TARN_WHO_ANONYMOUS};
    call->who.anonymous = s->anonymous_said ? s->anonymous : call->loopback ? TARN_ANONYMOUS_READ : TARN_ANONYMOUS_NONE;
    (void)snprintf(call->who.from, sizeof call->who.from, "%s", call->peer);
    (void)snprintf(call->who.request, sizeof call->who.request, "%s", call->id ? call->id : "");
    if (header) {
        char tried[TARN_AUTH_USER];
        int status = use_header(s, call, header, tried, why);
        if (status != 0) refused_login(s, call, status, tried);
        return status;
    }
    tarn_code rc = use_session(s, call, why);
    return rc == TARN_OK ? 0 : tarn_code_http(rc);
}

/* ---- may they ---- */

/* Browsers show a box of their own for Basic; the page has a form instead. */
static void ask_for_credential(tarn_call *call)
{
    const char *mode = tarn_call_header(call, "Sec-Fetch-Mode");

    call->authenticate =
        mode ? "Bearer realm=\"tarn\"" : "Bearer realm=\"tarn\", Basic realm=\"tarn\", charset=\"UTF-8\"";
}

static tarn_code ask_for(tarn_server *s, const tarn_call *call, const tarn_route *r, tarn_err *err)
{
    tarn_action action;
    char model[128];
    const char *ref = tarn_call_query(call, "ref");

    if (!r->needs || !tarn_action_find(r->needs, &action))
        return TARN_FAIL(err, TARN_DENIED, "route '%s' does not say what it needs", r->name);
    if (action == TARN_ACT_SERVER_READ && s->options.open_metrics) return TARN_OK;
    switch (tarn_action_at(action)->on) {
    case TARN_ON_MODEL:
        if (!strstr(r->path, "{model}")) return tarn_access_check(s->options.lake, &call->who, action, NULL, NULL, err);
        (void)snprintf(model, sizeof model, "%s", call->value[0]);
        model[strcspn(model, "@/")] = '\0';
        return tarn_access_check(s->options.lake, &call->who, action, NULL, model, err);
    case TARN_ON_BRANCH:
        return tarn_access_check(s->options.lake, &call->who, action, ref && *ref ? ref : "main", NULL, err);
    case TARN_ON_LAKE:
    default: return tarn_access_check(s->options.lake, &call->who, action, NULL, NULL, err);
    }
}

static void note_read(tarn_server *s, const tarn_call *call, const tarn_route *r)
{
    tarn_err ignored = {0};

    if (!s->options.audit_reads || !r->needs || strcmp(r->needs, "always") == 0) return;
    tarn_code noted = tarn_audit_note(s->options.lake, &call->who, r->needs, call->path, "ok", NULL, &ignored);
    (void)noted;
}

int tarn_guard_admit(tarn_server *s, tarn_call *call, tarn_err *why)
{
    tarn_err none = {0};
    int status;

    call->admitted = true;
    status = find_who(s, call, why);
    if (status == 401) ask_for_credential(call);
    if (status != 0) return status;
    if (tarn_route_find(call, call->method, call->path, &none) != TARN_OK) return 0;
    const tarn_route *r = tarn_route_at(call->route);
    tarn_code rc = ask_for(s, call, r, why);
    if (rc == TARN_OK) {
        note_read(s, call, r);
        return 0;
    }
    if (rc != TARN_DENIED) return tarn_code_http(rc);
    bool unknown = call->who.kind == TARN_WHO_ANONYMOUS;
    tarn_metrics_denied(&s->metrics, unknown ? TARN_DENIED_NO_CREDENTIAL : TARN_DENIED_RIGHTS);
    if (!unknown) return 403;
    ask_for_credential(call);
    return 401;
}

/* ---- the page's form ---- */

static const char form_policy[] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
                                  "frame-ancestors 'none'";
static const char form_start[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
    "<title>Tarn</title><style>body{font:16px system-ui,sans-serif;max-width:20rem;margin:15vh auto;padding:0 1rem}"
    "label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.5rem;font:inherit}"
    "button{padding:.5rem 1.5rem;font:inherit}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}"
    "</style><h1>Tarn</h1>";
static const char form_rest[] =
    "<form method=\"post\" action=\"/login\"><label>User<input name=\"user\" autocomplete=\"username\" "
    "required></label>"
    "<label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>"
    "<button>Log in</button></form></html>\n";

tarn_code tarn_call_login_page(tarn_call *call, const char *message, tarn_err *err)
{
    call->type = "text/html; charset=utf-8";
    call->policy = form_policy;
    tarn_text_clear(&call->out);
    tarn_text_add(&call->out, form_start);
    if (*message) {
        tarn_text_add(&call->out, "<p role=\"alert\">");
        tarn_text_xml(&call->out, message);
        tarn_text_add(&call->out, "</p>");
    }
    tarn_text_add(&call->out, form_rest);
    return tarn_text_check(&call->out, err);
}

static void set_cookie(tarn_call *call, const char *value, int seconds)
{
    (void)snprintf(call->cookie, sizeof call->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
                   cookie_name, value, seconds, call->secure ? "; Secure" : "");
}

tarn_code tarn_call_login(tarn_call *call, tarn_err *err)
{
    tarn_server *s = call->server;
    char user[TARN_AUTH_USER] = "", password[TARN_AUTH_SECRET] = "", cookie[COOKIE];
    tarn_err why = {0};
    tarn_id stamp;
    tarn_code rc = TARN_OK;

    (void)tarn_form_find(call->body, call->body_len, "user", user, sizeof user);
    (void)tarn_form_find(call->body, call->body_len, "password", password, sizeof password);
    int status = try_password(s, call, user, password, strlen(password), &why);
    tarn_secret_wipe(password, sizeof password);
    tarn_secret_wipe(call->body, call->body_len);
    if (status != 0) {
        refused_login(s, call, status, user);
        call->status = status;
        return tarn_call_login_page(call, status == 401 ? "User or password is wrong." : why.msg, err);
    }
    rc = tarn_audit_note(s->options.lake, &call->who, "login", "", "ok", NULL, NULL);
    TARN_TRY(tarn_access_stamp(s->options.lake, user, &stamp, err));
    TARN_TRY(open_session(s->guard, user, &stamp, cookie, err));
    set_cookie(call, cookie, SESSION_S);
    call->status = 303;
    call->location = "/";
    call->type = "text/html; charset=utf-8";
    tarn_text_add(&call->out, "<!doctype html><title>Tarn</title><a href=\"/\">on</a>\n");
    rc = tarn_text_check(&call->out, err);
done:
    return rc;
}

tarn_code tarn_call_logout(tarn_call *call, tarn_err *err)
{
    char user[TARN_USER_NAME];
    tarn_id stamp;

    (void)find_session(((tarn_server *)call->server)->guard, call, true, user, &stamp);
    set_cookie(call, "", 0);
    call->status = 303;
    call->location = "/";
    call->type = "text/html; charset=utf-8";
    tarn_text_add(&call->out, "<!doctype html><title>Tarn</title><a href=\"/\">on</a>\n");
    return tarn_text_check(&call->out, err);
}
