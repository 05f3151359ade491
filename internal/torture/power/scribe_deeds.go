//go:build linux

package power

import (
	"context"
	"errors"
	"time"

	"github.com/boltsession/session"
)

// create begins a session, the next generation of its life.
func (w *scribeWriter) create(ctx context.Context) (err error) {
	w.gen++
	if w.s, err = w.store.Create(ctx, session.TokenID(tokenOf(w.name, w.gen))); err != nil {
		return err
	}
	return w.save(ctx, "create")
}

// set sets all that is stored with the next number.
func (w *scribeWriter) set(ctx context.Context, gen int) error {
	w.n++
	more, err := w.s.Component(ctx, moreName)
	if err != nil {
		return err
	}
	return errors.Join(lifeKey.Set(w.s, w.name), genKey.Set(w.s, gen), nKey.Set(w.s, w.n),
		dataKey.Set(w.s, dataOf(w.name, w.n)), nKey.Set(more, w.n))
}

// soft says whether saves answer before they are on disk.
func (w *scribeWriter) soft() bool { return w.SyncEvery > 0 }

func (w *scribeWriter) save(ctx context.Context, what string) error {
	if err := w.set(ctx, w.gen); err != nil {
		return err
	}
	return w.do(w.name, deed{what: what, gen: w.gen, n: w.n, hard: !w.soft()}, func() error {
		return w.store.Save(ctx, w.s)
	})
}

// share stores a number in the session that all write to, each under a key of its own.
func (w *scribeWriter) share(ctx context.Context) error {
	w.sharedN++
	if err := session.Key[int](w.key).Set(w.shared, w.sharedN); err != nil {
		return err
	}
	d := deed{what: "share", gen: 1, n: w.sharedN, hard: !w.soft()}
	return w.do(sharedID+"."+w.key, d, func() error { return w.store.Save(ctx, w.shared) })
}

func (w *scribeWriter) renew(ctx context.Context) error {
	if err := w.set(ctx, w.gen+1); err != nil {
		return err
	}
	w.gen++
	to := session.TokenID(tokenOf(w.name, w.gen))
	err := w.do(w.name, deed{what: "renew", gen: w.gen, n: w.n, hard: true}, func() error { return w.store.Renew(ctx, w.s, to) })
	if err != nil {
		return err
	}
	w.s, err = w.store.Get(ctx, to, moreName)
	return err
}

func (w *scribeWriter) destroy(ctx context.Context) error {
	id := w.s.ID()
	w.s = nil
	return w.do(w.name, deed{what: "destroy", n: w.n, hard: true}, func() error { return w.store.Destroy(ctx, id) })
}

// expire leaves a session that ends within a second, for the reaper. What comes after it is another
// life: when saves are accepted before they are stored, the order of two sessions' is nobody's promise.
func (w *scribeWriter) expire(ctx context.Context) error {
	if err := w.s.SetMaxAge(time.Second); err != nil {
		return err
	}
	s, life, n := w.s, w.name, w.n
	w.next()
	return w.do(life, deed{what: "expire", n: n, hard: !w.soft()}, func() error { return w.store.Save(ctx, s) })
}
