package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/boltsession/session/admin"
)

const jsonType = "application/json"

// ask sends a request to a handler over b.
func ask(b admin.Backend, method, target, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	admin.Handler(b).ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	for _, tc := range []struct {
		method, target, contentType, body string
		status                            int
		call                              string // that the backend gets
		want                              string // in the answer
	}{
		{"GET", "/v1", "", "", 200, "", `"process":"pid `},
		{"GET", "/v1/stats", "", "", 200, "Stats", `"sessions":4`},
		{"HEAD", "/v1/stats", "", "", 200, "Stats", ""},
		{"GET", "/v1/length", "", "", 200, "Length", `{"count":4}`},
		{"GET", "/v1/sessions", "", "", 200, `List {User: Component: Older:0s}`, `{"end":true}`},
		{"GET", "/v1/sessions?user=a%26b&component=c&older=90m", "", "", 200, `List {User:a&b Component:c Older:1h30m0s}`, `{"end":true}`},
		{"GET", "/v1/sessions/abc", "", "", 200, "Get abc", `"id":"abc"`},
		{"GET", "/v1/ids?prefix=ab&limit=7", "", "", 200, `Find "ab" 7`, `{"ids":["1","2"]}`},
		{"POST", "/v1/destroy", jsonType, `{"ids":["a","b"]}`, 200, `Destroy ["a" "b"]`, `{"count":4}`},
		{"POST", "/v1/destroy", jsonType + "; charset=utf-8", ` {"ids":["a"]} `, 200, `Destroy ["a"]`, `{"count":4}`},
		{"POST", "/v1/destroy-user", jsonType, `{"user":"ann"}`, 200, `DestroyUser "ann"`, `{"count":4}`},
		{"POST", "/v1/clear", jsonType, `{}`, 200, "Clear", `{"count":4}`},
		{"POST", "/v1/reap", jsonType, `{}`, 200, "Reap", `{"count":4}`},
		{"POST", "/v1/backup", jsonType, `{"path":"/x"}`, 200, `Backup "/x"`, `{}`},
		{"POST", "/v1/compact", jsonType, `{}`, 200, "Compact", `{"before":2,"after":1}`},
		{"POST", "/v1/import", jsonType, `{"replace":true,"sessions":[{"id":"a"}]}`, 200, "Import true 1", `{"count":4}`},

		// A form, a page of another site, a link.
		{"POST", "/v1/clear", "application/x-www-form-urlencoded", `{}`, 400, "", "invalid"},
		{"POST", "/v1/clear", "text/plain", `{}`, 400, "", "invalid"},
		{"POST", "/v1/clear", "", `{}`, 400, "", "invalid"},
		{"POST", "/v1/clear", "multipart/form-data; boundary=x", `{}`, 400, "", "invalid"},
		{"GET", "/v1/clear", "", "", 405, "", "invalid"},
		{"PUT", "/v1/clear", jsonType, `{}`, 405, "", "invalid"},
		{"POST", "/v1/stats", jsonType, `{}`, 405, "", "invalid"},
		{"DELETE", "/v1/sessions/abc", "", "", 405, "", "invalid"},

		{"GET", "/", "", "", 404, "", "unsupported"},
		{"GET", "/v2/stats", "", "", 404, "", "unsupported"},
		{"GET", "/v1/sessions/abc/d", "", "", 404, "", "unsupported"},
		{"GET", "/v1/stats", "", "{}", 400, "", "invalid"},
		{"GET", "/v1/stats?x=top-secret", "", "", 400, "", "invalid"},
		{"GET", "/v1/sessions?token=top-secret", "", "", 400, "", "invalid"},
		{"GET", "/v1/sessions?user=a&user=b", "", "", 400, "", "invalid"},
		{"GET", "/v1/sessions?older=top-secret", "", "", 400, "", "invalid"},
		{"GET", "/v1/sessions?%zz", "", "", 400, "", "invalid"},
		{"GET", "/v1/ids?prefix=ab", "", "", 400, "", "invalid"},
		{"GET", "/v1/ids?prefix=ab&limit=top-secret", "", "", 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, ``, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `{"ids":["top-secret`, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `{"ids":["a"],"top-secret":1}`, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `{"ids":"top-secret"}`, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `{"ids":["a"]}{"ids":["b"]}`, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `{"ids":["a"]}top-secret`, 400, "", "invalid"},
		{"POST", "/v1/destroy", jsonType, `["top-secret"]`, 400, "", "invalid"},
		{"POST", "/v1/clear", jsonType, `{"ids":[]}`, 400, "", "invalid"},
		{"POST", "/v1/import", jsonType, `{"sessions":[{"created":"top-secret"}]}`, 400, "", "invalid"},
		{"POST", "/v1/import", jsonType, `{"sessions":[{"values":{"":{"k":"top-secret!"}}}]}`, 400, "", "invalid"},
		{"POST", "/v1/clear", jsonType, strings.Repeat(" ", 1<<20+1), 400, "", "invalid"},
	} {
		b := &fake{n: 4}
		w := ask(b, tc.method, tc.target, tc.contentType, tc.body)
		name := tc.method + " " + tc.target + " " + tc.body[:min(len(tc.body), 50)]
		if call := b.last(); w.Code != tc.status || call != tc.call {
			t.Errorf("%s: status %d after %q, want %d after %q", name, w.Code, call, tc.status, tc.call)
		}
		if !strings.Contains(w.Body.String(), tc.want) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: answered %s", name, w.Body)
		}
		h := w.Header()
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Type"), "application/") {
			t.Errorf("%s: header %v", name, h)
		}
	}
}

// TestHandlerRefusesOtherSites: browsers say where a request comes from.
func TestHandlerRefusesOtherSites(t *testing.T) {
	for site, status := range map[string]int{
		"same-origin": 200, "none": 200, "": 200, "cross-site": 400, "same-site": 400, "what": 400,
	} {
		for _, r := range []*http.Request{
			httptest.NewRequest("GET", "/v1/length", nil),
			httptest.NewRequest("POST", "/v1/clear", strings.NewReader("{}")),
		} {
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Sec-Fetch-Site", site)
			w := httptest.NewRecorder()
			admin.Handler(&fake{}).ServeHTTP(w, r)
			if w.Code != status {
				t.Errorf("%s from %q: status %d", r.Method, site, w.Code)
			}
		}
	}
}

// FuzzHandler: whatever is asked, the answer is JSON lines with a status of ours, and a request that
// is refused does not reach the backend and is not repeated.
func FuzzHandler(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/sessions?user=a&older=1h", ""}, {"POST", "/v1/destroy", `{"ids":["a"]}`},
		{"POST", "/v1/import", `{"replace":true,"sessions":[{"id":"a","created":"2026-01-02T03:04:05Z","max_age":1,"values":{"":{"k":"AQ=="}}}]}`},
		{"GET", "/v1/ids?prefix=ab&limit=7", ""}, {"POST", "/v1/backup", `{"path":"/x"}`}, {"GET", "/v1/sessions/x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if _, err := http.NewRequest(method, "http://x"+target, nil); err != nil || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \r\n\x00") {
			return // net/http does not let it come so far
		}
		r, err := http.NewRequest(method, "http://x"+target, strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", jsonType)
		b, w := &fake{}, httptest.NewRecorder()
		admin.Handler(b).ServeHTTP(w, r)
		if w.Code/100 == 3 {
			return // to the clean path
		}
		if w.Code != 200 && len(b.calls) > 0 {
			t.Errorf("status %d after %q", w.Code, b.calls)
		}
		if w.Code == 200 && method != "HEAD" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("answered %q", w.Body)
		}
		if w.Code != 200 && len(body) > 30 && strings.Contains(w.Body.String(), body) {
			t.Errorf("the answer repeats the request: %q", w.Body)
		}
	})
}
