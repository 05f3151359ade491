//go:build linux

package hostile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// sharedCache is a cache before a site that stores whatever it may (RFC 9111, 3): also what says
// nothing of caching. It knows Vary, and serves one client what another asked for.
type sharedCache struct {
	*site
	mu     sync.Mutex
	stored map[string]reply
	vary   map[string]string // of a URL
	hits   int
}

// get asks for a URL as a client does.
func (c *sharedCache) get(ctx context.Context, url string, v *visitor, h http.HandlerFunc) (reply, error) {
	r, err := c.request(ctx, h)
	if err != nil {
		return reply{}, err
	}
	v.present(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.stored[c.key(url, r)]; ok {
		c.hits++
		return p, nil
	}
	p, err := c.send(r)
	if err == nil && mayStore(p.header) {
		c.vary[url] = strings.Join(p.header["Vary"], ",")
		c.stored[c.key(url, r)] = p
	}
	return p, err
}

// key is what has to be equal for a stored response to be served.
func (c *sharedCache) key(url string, r *http.Request) string {
	var b strings.Builder
	io.WriteString(&b, url)
	for name := range strings.SplitSeq(c.vary[url], ",") {
		fmt.Fprintf(&b, "\n%s: %q", name, r.Header[http.CanonicalHeaderKey(strings.TrimSpace(name))])
	}
	return b.String()
}

// mayStore says whether a shared cache may store a response.
func mayStore(h http.Header) bool {
	said := strings.ToLower(strings.Join(h["Cache-Control"], ","))
	return !strings.Contains(said, "no-store") && !strings.Contains(said, "private") && !strings.Contains(strings.Join(h["Vary"], ","), "*")
}

// permissions are what handlers say to caches.
var permissions = []string{"", "public", "public, max-age=600", "s-maxage=600", "max-age=600", `private="x-nothing", max-age=600`, "no-cache", "immutable, max-age=600"}

// sharedCaches has visitors ask for the same pages through one cache.
func sharedCaches(ctx context.Context, t *trial.Trial) error {
	asked, hits := 0, 0
	for _, transport := range transportNames {
		s, err := newSite(t, transport, session.Options{})
		if err != nil {
			return err
		}
		cache := &sharedCache{site: s, stored: map[string]reply{}, vary: map[string]string{}}
		n, err := cache.browse(ctx, t)
		s.shut()
		if err != nil {
			return err
		}
		asked, hits = asked+n, hits+cache.hits
	}
	t.Figure("shared caches (Flask CVE-2023-30861, Rails CVE-2024-26144): %d pages through a cache that stores what it may, %d of them from it, whatever the handler permits: 0 with another's data, 0 stored with a token%s", asked, hits, t.Unless())
	return nil
}

// browse has visitors ask for every kind of page.
func (c *sharedCache) browse(ctx context.Context, t *trial.Trial) (asked int, err error) {
	var visitors []*visitor
	for i := range t.Size(20, 4) {
		v, err := c.enter(ctx, "name", fmt.Sprintf("visitor-%02d", i))
		if err != nil {
			return 0, err
		}
		visitors = append(visitors, v)
	}
	for p, permission := range permissions {
		for kind, h := range c.pages() {
			for i, v := range visitors {
				name := fmt.Sprintf("visitor-%02d", i)
				got, err := c.get(ctx, fmt.Sprint(kind, p), v, func(w http.ResponseWriter, r *http.Request) {
					if permission != "" {
						w.Header().Set("Cache-Control", permission)
					}
					h(w, r)
				})
				if err != nil {
					return asked, err
				}
				asked++
				if kind != "static" && got.body != name {
					t.Fail("%s: %s reads %q from the cache, Cache-Control %q", c.transport, name, got.body, permission)
				}
			}
		}
	}
	n, err := c.beginPublicly(ctx, t)
	if err != nil {
		return asked, err
	}
	return asked + n, c.tokensStored(t)
}

// beginPublicly has strangers get sessions from pages that the handler wants cached.
func (c *sharedCache) beginPublicly(ctx context.Context, t *trial.Trial) (asked int, err error) {
	for p, permission := range permissions {
		seen := map[string]bool{}
		for range t.Size(10, 3) {
			var made string
			got, err := c.get(ctx, fmt.Sprint("first", p), &visitor{site: c.site}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", permission)
				if made, err = c.generate(r); err == nil {
					err = session.From(r).Set("name", "stranger")
				}
				fmt.Fprint(w, made)
			})
			if err != nil {
				return asked, err
			}
			if asked++; seen[got.body] {
				t.Fail("%s: two strangers have the same token, from the cache, Cache-Control %q", c.transport, permission)
			}
			seen[got.body] = true
		}
	}
	return asked, nil
}

// pages are kinds of them. A login's sets a token, the static one does not look at the session.
func (c *sharedCache) pages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"static":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "style") },
		"personal": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text(r, "name")) },
		"streamed": func(w http.ResponseWriter, r *http.Request) {
			name := text(r, "name")
			http.NewResponseController(w).Flush()
			fmt.Fprint(w, name)
		},
		"changing": func(w http.ResponseWriter, r *http.Request) {
			session.From(r).Set("at", time.Now().String())
			fmt.Fprint(w, text(r, "name"))
		},
		"Vary of its own": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Accept-Encoding")
			fmt.Fprint(w, text(r, "name"))
		},
	}
}

// tokensStored looks for tokens in what the cache has.
func (c *sharedCache) tokensStored(t *trial.Trial) error {
	for _, p := range c.stored {
		if token, cleared := p.token(); token != "" || cleared {
			t.Fail("%s: the cache has a response that sets or clears a token", c.transport)
		}
	}
	return nil
}
