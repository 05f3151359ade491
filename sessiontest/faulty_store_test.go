package sessiontest_test

import (
	"context"
	"iter"
	"time"

	"github.com/boltsession/session"
)

// faulty is a fullStore whose methods a fault can replace.
type faulty struct {
	*fullStore
	create      func(context.Context, session.ID) (*session.Session, error)
	get         func(context.Context, session.ID, ...string) (*session.Session, error)
	save        func(context.Context, *session.Session) error
	destroy     func(context.Context, session.ID) error
	close       func() error
	all         func(context.Context) iter.Seq2[session.Info, error]
	length      func(context.Context) (int, error)
	clear       func(context.Context) (int, error)
	touch       func(context.Context, session.ID, time.Time) error
	renew       func(context.Context, *session.Session, session.ID) error
	reap        func(context.Context) (int, error)
	byUser      func(context.Context, string) ([]session.Info, error)
	destroyUser func(context.Context, string, ...session.ID) (int, error)
	onDestroy   func(func(session.ID, session.Reason)) func()
}

// newFaulty returns a store without a fault yet.
func newFaulty() *faulty {
	f := newFullStore()
	return &faulty{fullStore: f,
		create: f.Create, get: f.Get, save: f.Save, destroy: f.Destroy, close: f.Close, all: f.All, length: f.Length, clear: f.Clear,
		touch: f.Touch, renew: f.Renew, reap: f.Reap, byUser: f.ByUser, destroyUser: f.DestroyUser, onDestroy: f.OnDestroy}
}

func (f *faulty) Create(ctx context.Context, id session.ID) (*session.Session, error) {
	return f.create(ctx, id)
}

func (f *faulty) Get(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
	return f.get(ctx, id, components...)
}

func (f *faulty) Save(ctx context.Context, s *session.Session) error     { return f.save(ctx, s) }
func (f *faulty) Destroy(ctx context.Context, id session.ID) error       { return f.destroy(ctx, id) }
func (f *faulty) Close() error                                           { return f.close() }
func (f *faulty) All(ctx context.Context) iter.Seq2[session.Info, error] { return f.all(ctx) }
func (f *faulty) Length(ctx context.Context) (int, error)                { return f.length(ctx) }
func (f *faulty) Clear(ctx context.Context) (int, error)                 { return f.clear(ctx) }
func (f *faulty) Reap(ctx context.Context) (int, error)                  { return f.reap(ctx) }
func (f *faulty) OnDestroy(g func(session.ID, session.Reason)) func()    { return f.onDestroy(g) }
func (f *faulty) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return f.touch(ctx, id, at)
}

func (f *faulty) Renew(ctx context.Context, s *session.Session, to session.ID) error {
	return f.renew(ctx, s, to)
}

func (f *faulty) ByUser(ctx context.Context, user string) ([]session.Info, error) {
	return f.byUser(ctx, user)
}

func (f *faulty) DestroyUser(ctx context.Context, user string, except ...session.ID) (int, error) {
	return f.destroyUser(ctx, user, except...)
}

// saveWith has Save store changes as alter left them. alter runs with the store locked, and gets
// the row that is stored, if there is one.
func (f *faulty) saveWith(alter func(ch *session.Changes, old row, ok bool)) {
	f.save = func(ctx context.Context, s *session.Session) error {
		return f.do(ctx, func() error {
			ch := s.Changes()
			snapshot := ch
			old, ok := f.findLocked(ch.ID)
			alter(&ch, old, ok)
			next, err := f.mergedLocked(ch)
			if err != nil {
				return err
			}
			f.rows[ch.ID] = next
			s.Saved(snapshot)
			return nil
		})
	}
}

// eachComponent has Save store each component as alter left it.
func (f *faulty) eachComponent(alter func(name string, c session.ComponentChanges) session.ComponentChanges) {
	f.saveWith(func(ch *session.Changes, _ row, _ bool) {
		for name, c := range ch.Components {
			ch.Components[name] = alter(name, c)
		}
	})
}

// eachValue has Save store each value as alter left it.
func (f *faulty) eachValue(alter func(key string, value []byte) (string, []byte)) {
	f.eachComponent(func(_ string, c session.ComponentChanges) session.ComponentChanges {
		set := make(map[string][]byte)
		for key, value := range c.Set {
			key, value := alter(key, value)
			set[key] = value
		}
		c.Set = set
		return c
	})
}

// afterSave has f called for the row that a Save stored, with the store locked.
func (f *faulty) afterSave(alter func(old row, existed bool, next row) row) {
	f.save = func(ctx context.Context, s *session.Session) error {
		return f.do(ctx, func() error {
			ch := s.Changes()
			old, ok := f.findLocked(ch.ID)
			next, err := f.mergedLocked(ch)
			if err != nil {
				return err
			}
			f.rows[ch.ID] = alter(old, ok, next)
			s.Saved(ch)
			return nil
		})
	}
}

// withRow has Get return a session made from the row as alter left it.
func (f *faulty) withRow(alter func(r row) row) {
	f.get = func(ctx context.Context, id session.ID, components ...string) (s *session.Session, err error) {
		err = f.do(ctx, func() error {
			r, ok := f.rows[id]
			if r = alter(r); !ok || r.meta.Expired(time.Now()) {
				return session.ErrNotFound
			}
			s = session.LoadSession(f, id, r.meta, r.components)
			return nil
		})
		return s, err
	}
}
