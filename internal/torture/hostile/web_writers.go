//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// writers sets before and after whatever a handler can do first with its ResponseWriter: a cookie
// comes or the failure is reported, and the data of a known session is kept.
func writers(ctx context.Context, t *trial.Trial) error {
	figures := new(writerFigures)
	for _, tls := range []bool{false, true} {
		var store *breakable
		s, err := newSite(t, "cookie", session.Options{}, func(c *setup) {
			c.tls = tls
			c.around = func(inner session.Store) session.Store {
				store = &breakable{Store: inner}
				return store
			}
		})
		if err != nil {
			return err
		}
		for _, way := range ways() {
			for i := range 8 {
				c := written{site: s, way: way, store: store, tls: tls, known: i&1 != 0, after: i&2 != 0, failing: i&4 != 0}
				if err == nil {
					err = c.run(ctx, t, figures)
				}
			}
		}
		s.shut()
		if err != nil {
			return err
		}
	}
	t.Figure("writers: %d responses over HTTP/1.1 and HTTP/2, %d kinds of first use (Flush, Hijack, 103, ReadFrom, ResponseController…), set before and after, new and known sessions, saves that work and fail: %d cookies, %d values kept, %d failures reported%s",
		figures.responses, len(ways()), figures.cookies, figures.kept, figures.reported, t.Unless())
	return nil
}

type writerFigures struct{ responses, cookies, kept, reported int }

// written is one such response.
type written struct {
	*site
	way     way
	store   *breakable
	tls     bool
	known   bool // the session is there before
	after   bool // it is set after the first use of the writer
	failing bool // the save fails
}

func (c written) String() string {
	return fmt.Sprintf("%s (HTTP/2 %v, known %v, set after %v, failing %v)", c.way.name, c.tls, c.known, c.after, c.failing)
}

// run has the response written, and looks what came of it.
func (c written) run(ctx context.Context, t *trial.Trial, figures *writerFigures) error {
	if c.way.hijacks && c.tls {
		return nil // there is no connection to take over
	}
	v := &visitor{site: c.site}
	if c.known {
		var err error
		if v, err = c.enter(ctx, "key", "old"); err != nil {
			return err
		}
	}
	got, err := c.outcome(ctx, v)
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	figures.add(got)
	if problem := c.judge(got); problem != "" {
		t.Fail("%s: %s", c, problem)
	}
	return nil
}

// outcome sends the request, and reads what is stored then.
func (c written) outcome(ctx context.Context, v *visitor) (got outcome, err error) {
	c.under.Wait()
	reports, records := c.reports(), c.records()
	c.fail(c.failing)
	got.p, got.used, err = c.write(ctx, v)
	c.fail(false)
	if err != nil {
		return got, err
	}
	got.reported, got.made = c.reports() > reports, c.records()-records
	if got.token, _ = got.p.token(); got.token != "" {
		v.token = got.token
	}
	if v.token != "" {
		_, err = v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) { got.value = text(r, "key") })
	}
	return got, err
}

// reports returns how many failures to save are in the log.
func (c written) reports() int {
	return c.logs.count("stored") + c.logs.count("saving the session")
}

func (f *writerFigures) add(got outcome) {
	f.responses++
	if got.token != "" {
		f.cookies++
	}
	if got.value == "new" {
		f.kept++
	}
	if got.reported || got.p.status == http.StatusServiceUnavailable {
		f.reported++
	}
}

func (c written) fail(on bool) {
	if c.store != nil {
		c.store.failing.Store(on)
	}
}

// write sends the request; used is what the first use of the writer returned.
func (c written) write(ctx context.Context, v *visitor) (p reply, used error, err error) {
	p, err = v.visit(ctx, func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if !c.after {
			s.Set("key", "new")
		}
		used = c.way.first(w, r)
		if c.after {
			s.Set("key", "new")
		}
		if !c.way.bodiless {
			fmt.Fprint(w, "content")
		}
	})
	c.under.Wait()
	return p, used, err
}

// outcome is what was seen of a response.
type outcome struct {
	p        reply
	used     error
	token    string // that came
	value    string // that is stored now
	reported bool   // in the log
	made     int    // sessions
}

// judge says what is wrong with an outcome.
func (c written) judge(got outcome) string {
	late := c.after && c.way.begins
	switch {
	case c.failing && !late && !(c.way.hijacks && !c.known):
		return c.judgeFailed(got)
	case c.failing && c.known:
		return wrongIf(got.value != "old" || !got.reported, "the late save that failed is not in the log, or stored: %q", got.value)
	case got.used != nil:
		return fmt.Sprintf("the writer gives %v", got.used)
	case c.known:
		return wrongIf(got.value != "new" || got.token != "", "the value is %q, the response has a token of %d bytes", got.value, len(got.token))
	case late || c.way.hijacks:
		return wrongIf(got.token != "" || got.made != 0 || !got.reported, "a session that cannot be told: %d stored, reported %v", got.made, got.reported)
	}
	return wrongIf(got.value != "new" || got.made != 1, "the cookie opens %q, %d sessions were made", got.value, got.made)
}

// judgeFailed: the client has an error and nothing of the handler's.
func (c written) judgeFailed(got outcome) string {
	want := ""
	if c.known {
		want = "old"
	}
	switch {
	case got.p.status != http.StatusServiceUnavailable:
		return fmt.Sprintf("the save failed, and the client has status %d", got.p.status)
	case got.p.says("content") && !got.p.says("not available"), got.token != "":
		return "the save failed, and the client has the handler's content or a token"
	case c.way.hijacks && got.used == nil:
		return "the save failed, and the handler has the connection"
	case errors.Is(got.used, http.ErrNotSupported):
		return "the writer is not supported"
	}
	return wrongIf(got.value != want, "the save failed, and the value is %q", got.value)
}

func wrongIf(wrong bool, format string, args ...any) string {
	if !wrong {
		return ""
	}
	return fmt.Sprintf(format, args...)
}
