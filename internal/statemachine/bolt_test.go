package statemachine

import (
	"bytes"
	"os"
	"slices"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// boltFile is what a store with a file was opened with.
type boltFile struct {
	dir, path string
	store     *session.BoltStore // that is open
	opts      session.BoltOptions
	keys      int // made
}

// open opens the file at path from now on.
func (w *world) open(path string) {
	w.file.path = path
	store, err := session.Open(path, &w.file.opts)
	w.must(err)
	w.file.store = store
	w.use(store)
}

// close closes the store. Handles on it say so, and it can be closed again.
func (w *world) close() {
	w.Helper()
	w.must(w.store.Close())
	w.must(w.store.Close())
	for _, h := range w.handles {
		if h == nil || h.released {
			continue
		}
		want := session.ErrClosed
		if h.live.ended {
			want = session.ErrNotFound
		}
		w.same("Save to a closed store", h.Save(w.ctx), want)
	}
	_, err := w.store.Get(w.ctx, w.slots[0].id)
	w.same("Get from a closed store", err, session.ErrClosed)
	w.must(w.checkFile(w.file.path))
}

func (w *world) checkFile(path string) error {
	_, err := session.Check(w.ctx, path)
	return err
}

// reopen closes the store and opens it again: everything is there. As all that do so it is done
// seldom, for handles end with it.
func (w *world) reopen(*rapid.T) {
	w.seldom(4)
	w.reopenNow()
}

func (w *world) reopenNow() {
	w.close()
	w.told.take()
	for id := range w.model.sessions {
		w.model.makeSure(id, len(w.model.sessions[id])-1)
		w.model.sessions[id] = w.model.sessions[id][len(w.model.sessions[id])-1:]
	}
	w.open(w.file.path)
}

// crash goes on with what a kill would leave of the file, now or when things had time to settle.
func (w *world) crash(*rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{0, time.Second, 3 * time.Second}).Draw(w.T, "pause"))
	synctest.Wait()
	data, err := os.ReadFile(w.file.path)
	w.must(err)
	w.must(w.store.Close())
	path := w.path("crashed")
	w.must(os.WriteFile(path, data, 0o600))
	w.must(w.checkFile(path))
	w.open(path)
	w.resolve()
}

// resolve finds out to which versions of the sessions a crash went back, and that none of them is
// older than it may be. If that cannot be told, because what may be there would have expired,
// all that has is reaped.
func (w *world) resolve() {
	w.Helper()
	unsure, now := false, time.Now()
	for id, all := range w.model.sessions {
		got := w.read(w.store, id)
		fits := fitting(all, got, now)
		if len(fits) == 0 {
			w.Fatalf("after a crash %s is %v, none of %v", w.name(id), got, all)
		}
		unsure = unsure || slices.ContainsFunc(fits, func(v version) bool { return !v.same(fits[0]) })
		w.model.sessions[id] = fits[:1]
	}
	if !unsure {
		return
	}
	_, err := w.file.store.Reap(w.ctx)
	w.must(err)
	w.told.take()
	for id := range w.model.sessions {
		if v := w.model.last(id); v.none || v.expired(now) {
			w.model.drop(id)
		}
	}
}

// fitting returns the versions that a crash may have left of a session, and of which got is seen.
func fitting(all []version, got version, now time.Time) (fits []version) {
	for i := len(all) - 1; i >= 0; i-- {
		if v := all[i]; got.none && !v.alive(now) || !got.none && v.alive(now) && v.same(got) {
			fits = append(fits, v)
		}
		if !all[i].sure.After(now) {
			break
		}
	}
	return fits
}

// compact compacts the file.
func (w *world) compact(*rapid.T) { w.must(w.file.store.Compact(w.ctx)) }

// backup backs the store up, and looks at the copy. It has all that was accepted, but for touches.
func (w *world) backup(*rapid.T) {
	path := w.path("backup")
	w.must(w.file.store.Backup(w.ctx, path))
	w.model.drained()
	w.must(w.checkFile(path))
	copied, err := session.Open(path, &session.BoltOptions{ReadOnly: true, Keys: w.file.opts.Keys, Logger: quiet})
	w.must(err)
	defer copied.Close()
	for _, id := range w.known {
		got, all := w.read(copied, id), w.model.sessions[id]
		if all == nil {
			all = []version{{none: true}}
		}
		if len(fitting(all, got, time.Now())) == 0 {
			w.Fatalf("in the backup %s is %v, none of %v", w.name(id), got, all)
		}
	}
}

// addKey opens the store with one more key, before the others.
func (w *world) addKey(*rapid.T) {
	w.seldom(4)
	w.file.keys++
	key := bytes.Repeat([]byte{byte(w.file.keys)}, 32)
	w.file.opts.Keys = append([][]byte{key}, w.file.opts.Keys...)
	w.reopenNow()
}

// rekey rewrites what is not under the first key, and opens the store with that alone.
func (w *world) rekey(*rapid.T) {
	w.seldom(4)
	report, err := w.file.store.Rekey(w.ctx)
	if len(w.file.opts.Keys) == 0 {
		w.same("Rekey without keys", err, errUnsupported)
		return
	}
	w.must(err)
	if report.Locked > 0 || report.Damaged > 0 {
		w.Fatalf("Rekey: %+v", report)
	}
	w.file.opts.Keys = w.file.opts.Keys[:1]
	w.reopenNow()
}

// checkStats compares what the store tells of itself.
func (w *world) checkStats() {
	w.Helper()
	st := w.file.store.Stats()
	w.equal("live sessions", st.LiveSessions, len(w.model.lives))
	if w.file.opts.SyncEvery == 0 {
		w.equal("sessions in the file", st.Sessions, w.model.count(func(version) bool { return true }))
	}
	if st.Failed || st.Full || st.Refused > 0 || st.Reopens > 0 {
		w.Fatalf("%+v", st)
	}
}
