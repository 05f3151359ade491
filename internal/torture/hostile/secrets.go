//go:build linux

package hostile

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/boltsession/session/internal/torture/trial"
)

func runSecrets(ctx context.Context, t *trial.Trial) error {
	return t.Each(ctx,
		check("in clear", func(ctx context.Context, t *trial.Trial) error { return search(ctx, t, t.Size(10_000, 500), false) }),
		check("encrypted", func(ctx context.Context, t *trial.Trial) error { return search(ctx, t, t.Size(1000, 100), true) }),
	)
}

// hunt is one app, whatever it leaves behind, and what must not be in there.
type hunt struct {
	*trial.Trial
	dir    string
	keys   bool
	app    *actor
	tap    *tap
	ctl    string // sessctl
	said   map[string]*strings.Builder
	tokens []string
	places map[string][]byte
	live   int // tokens at the end
	found  int
}

// search has an app do all it can with n live tokens, and looks for them.
func search(ctx context.Context, t *trial.Trial, n int, keys bool) error {
	dir, err := os.MkdirTemp(t.Dir, "s")
	if err != nil {
		return err
	}
	h := &hunt{Trial: t, dir: dir, keys: keys, places: map[string][]byte{}, said: map[string]*strings.Builder{}}
	if h.ctl, err = buildCtl(ctx, t); err != nil {
		return err
	}
	if err := h.play(ctx, n); err != nil {
		return err
	}
	if err := h.collect(); err != nil {
		return err
	}
	return h.look(ctx)
}

// path returns the path of one of the hunt's files.
func (h *hunt) path(name string) string { return filepath.Join(h.dir, name) }

// play has the app live, be looked at, and die.
func (h *hunt) play(ctx context.Context, n int) (err error) {
	// In a negative control nothing is encrypted, whatever is believed.
	config := appConfig{Dir: h.dir, Socket: "real", Plant: h.Broken, Keys: h.keys && !h.Broken}
	if h.app, err = startApp(ctx, h.Trial, config); err != nil {
		return err
	}
	defer h.app.kill()
	if h.tap, err = tapSocket(h.path("sessions.db.sock")); err != nil {
		return err
	}
	defer h.tap.close()
	if h.tokens, err = liveTokens(ctx, h.app.address, n); err != nil {
		return err
	}
	if err := h.fullDisk(ctx); err != nil {
		return err
	}
	if err := h.run(ctx, "sessctl, live", append(reading(h.tokens), []string{"backup", "FILE", "copy.db"})); err != nil {
		return err
	}
	if h.places["file"], err = os.ReadFile(h.path("sessions.db")); err != nil { // free pages and all
		return err
	}
	if err := h.run(ctx, "sessctl, live", [][]string{{"compact", "FILE"}}); err != nil {
		return err
	}
	if h.places["compacted file"], err = os.ReadFile(h.path("sessions.db")); err != nil {
		return err
	}
	v, err := h.app.vitals()
	if err != nil {
		return err
	}
	if h.live = v.Records; h.live < n {
		return fmt.Errorf("%d sessions are live, of %d", h.live, n)
	}
	h.die(ctx)
	return h.run(ctx, "sessctl, file", append(reading(h.tokens), []string{"check", "FILE"}, []string{"recover", "FILE", "saved.db"}))
}

// collect reads what was left behind.
func (h *hunt) collect() (err error) {
	for place, name := range map[string]string{"backup": "copy.db", "recovered file": "saved.db"} {
		if h.places[place], err = os.ReadFile(h.path(name)); err != nil {
			return err
		}
	}
	log, err := os.ReadFile(h.app.log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		place := "panics"
		switch {
		case strings.HasPrefix(line, errorLine):
			place = "error strings"
		case strings.HasPrefix(line, "{") && !strings.Contains(line, "panic serving"):
			place = "debug log"
		}
		h.places[place] = append(h.places[place], line...)
	}
	h.places["socket traffic"] = h.tap.bytes()
	for name, said := range h.said {
		h.places[name] = []byte(said.String())
	}
	return nil
}

// look searches each place. In a negative control something has to be in every one.
func (h *hunt) look(ctx context.Context) error {
	tokens, values := newNeedles(), newNeedles()
	for _, token := range h.tokens {
		tokens.add("token", token)
	}
	if h.keys && !h.Broken {
		tokens.add("key", string(appKey()))
	}
	values.add("value", aValue)
	values.add("key of a value", aKey)
	var checks []trial.Check
	total := 0
	for _, place := range sortedKeys(h.places) {
		data := h.places[place]
		total += len(data)
		checks = append(checks, check(place, func(_ context.Context, t *trial.Trial) error { return h.lookIn(place, data, tokens) }))
		if h.hides(place) {
			checks = append(checks, check(place+", values", func(context.Context, *trial.Trial) error { return h.lookIn(place, data, values) }))
		}
	}
	if !h.Broken {
		h.provoked()
	}
	err := h.Each(ctx, checks...)
	what := "tokens"
	if h.keys {
		what = "tokens and encrypted values"
	}
	h.Figure("%s (Rack CVE-2019-16782, Spring CVE-2023-20866): %d tokens, %d of them live, in %d forms, in %.1f MB of %s: %d found",
		what, len(h.tokens), h.live, len(forms(randomToken())), float64(total)/1e6, h.sizes(), h.found)
	return err
}

// provoked makes sure that what could tell a token was there to be searched.
func (h *hunt) provoked() {
	for place, messages := range map[string][]string{
		"debug log": {"saving the session", "fingerprint changed", "token cannot be sent", "token is not used", "SetUser without Renew",
			"file too large", "after the response began"},
		"error strings":  {"file too large", "cannot be stored"},
		"panics":         {"panic serving", "panic: ", "goroutine "},
		"socket traffic": {"GET /v1/sessions", "POST /v1/backup"},
	} {
		for _, message := range messages {
			if !bytes.Contains(h.places[place], []byte(message)) {
				h.Fail("the trial does not provoke %q in %s", message, place)
			}
		}
	}
}

// hides says whether values must not be in a place.
func (h *hunt) hides(place string) bool {
	switch place {
	case "debug log", "panics", "error strings":
		return true
	case "file", "backup", "compacted file", "recovered file":
		return h.keys
	}
	return false
}

// lookIn searches one place.
func (h *hunt) lookIn(place string, data []byte, n *needles) error {
	if len(data) == 0 {
		return fmt.Errorf("nothing was left there to search")
	}
	found := n.find(data)
	for _, what := range sortedKeys(found) {
		h.found += found[what]
		h.Fail("%s: %s, %d times", place, what, found[what])
	}
	return nil
}

// sizes lists the places.
func (h *hunt) sizes() string {
	var list []string
	for _, place := range sortedKeys(h.places) {
		list = append(list, fmt.Sprintf("%s %d KB", place, len(h.places[place])/1000))
	}
	return strings.Join(list, ", ")
}

// keyVariable is how sessctl gets the app's key.
func (h *hunt) keyVariable() string { return "SESSION_KEYS=" + hex.EncodeToString(appKey()) }
