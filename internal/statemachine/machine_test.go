package statemachine

import (
	"flag"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// TestMain has rapid do more than it does by default: most bugs want some steps of preparation.
func TestMain(m *testing.M) {
	flag.Set("rapid.steps", "60")
	flag.Set("rapid.checks", "1000")
	slog.SetDefault(quiet)
	os.Exit(m.Run())
}

// actions are what all stores are asked to do. Those that are there twice are done twice as often.
func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":            w.check,
		"create":      w.create,
		"begin":       w.begin,
		"get":         w.get,
		"get again":   w.get,
		"acquire":     w.acquire,
		"release":     w.leave,
		"edit":        w.edit,
		"edit again":  w.edit,
		"edit more":   w.edit,
		"set max age": w.setMaxAge,
		"set user":    w.setUser,
		"touch":       w.touch,
		"save":        w.save,
		"save again":  w.save,
		"save more":   w.save,
		"reload":      w.reload,
		"destroy by":  w.destroyBy,
		"renew":       w.renew,
		"request":     w.request,
		"pause":       w.pause,
		"pause again": w.pause,

		"destroy":      w.destroy,
		"touch id":     w.touchID,
		"destroy user": w.destroyUser,
		"clear":        w.clear,
		"reap":         w.reap,
		"list":         w.list,
	}
}

func TestMemoryStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			reap := rapid.SampledFrom([]time.Duration{-1, time.Minute}).Draw(t, "ReapInterval")
			w := newWorld(t, session.NewMemoryStore(&session.MemoryOptions{ReapInterval: reap}), session.DefaultMaxComponentSize)
			w.reaps = reap > 0
			t.Repeat(w.actions())
			w.list(t)
			w.must(w.store.Close())
		})
	})
}

func TestBoltStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			w := newBoltWorld(t)
			actions := w.actions()
			actions["reopen"] = w.reopen
			actions["crash"] = w.crash
			actions["compact"] = w.compact
			actions["backup"] = w.backup
			actions["add a key"] = w.addKey
			actions["rekey"] = w.rekey
			t.Repeat(actions)
			w.list(t)
			w.reopenNow()
			w.check(t)
			w.list(t)
			w.close()
		})
	})
}

// newBoltWorld returns a world with a store in a file, with options that are drawn.
func newBoltWorld(t *rapid.T) *world {
	file := &boltFile{dir: tempDir(t), opts: session.BoltOptions{
		Reap:             rapid.SampledFrom([]string{session.Never, "@every 1m"}).Draw(t, "Reap"),
		SyncEvery:        rapid.SampledFrom([]time.Duration{0, 2 * time.Second}).Draw(t, "SyncEvery"),
		TouchInterval:    rapid.SampledFrom([]time.Duration{0, 2 * time.Second}).Draw(t, "TouchInterval"),
		MaxComponentSize: rapid.SampledFrom([]int{0, smallLimit}).Draw(t, "MaxComponentSize"),
		NoSocket:         true, Logger: quiet,
	}}
	limit := file.opts.MaxComponentSize
	if limit == 0 {
		limit = session.DefaultMaxComponentSize
	}
	file.path = file.dir + "/sessions.db"
	store, err := session.Open(file.path, &file.opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.store.Close() }) // also after a failure: nothing may be left in the bubble
	file.store = store
	w := newWorld(t, store, limit)
	w.file, w.reaps = file, file.opts.Reap != session.Never
	w.model.saveLag, w.model.touchInterval = file.opts.SyncEvery, file.opts.TouchInterval
	if w.model.touchInterval == 0 {
		w.model.touchInterval = 30 * time.Second
	}
	return w
}
