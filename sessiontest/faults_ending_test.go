package sessiontest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
)

// renewing replaces Renew by what move does, with the store locked.
func (f *faulty) renewing(move func(s *session.Session, ch session.Changes, to session.ID) error) {
	f.renew = func(ctx context.Context, s *session.Session, to session.ID) error {
		from := s.ID()
		err := f.do(ctx, func() error { return move(s, s.Changes(), to) })
		if err == nil {
			f.notify(session.Renewed, from)
		}
		return err
	}
}

func renewerFaults() []fault {
	return []fault{
		{"Renew leaves the old ID", []string{"Renewer/Renew", "Renewer/OldHandles", "Notifier/AfterCommit"}, func(f *faulty) {
			f.renewing(func(s *session.Session, ch session.Changes, to session.ID) error {
				next, err := f.mergedLocked(ch)
				if err == nil {
					f.rows[to] = next
				}
				return err
			})
		}},
		{"Renew forgets what is dirty", []string{"Renewer/Renew"}, func(f *faulty) {
			f.renewing(func(s *session.Session, ch session.Changes, to session.ID) error {
				next, err := f.mergedLocked(session.Changes{ID: ch.ID})
				if err == nil {
					delete(f.rows, ch.ID)
					f.rows[to] = next
				}
				return err
			})
		}},
		{"Renew ends what never was", []string{"Renewer/New"}, func(f *faulty) {
			f.renew = func(ctx context.Context, s *session.Session, to session.ID) error {
				from, isNew := s.ID(), s.IsNew()
				err := f.fullStore.Renew(ctx, s, to)
				if err == nil && isNew {
					f.notify(session.Renewed, from)
				}
				return err
			}
		}},
		{"Renew brings back", []string{"Renewer/Ended"}, func(f *faulty) {
			f.renewing(func(s *session.Session, ch session.Changes, to session.ID) error {
				next := f.rows[ch.ID]
				next.meta.LastAccess, next.meta.MaxAge, next.meta.End = time.Now(), time.Hour, time.Now().Add(time.Hour)
				delete(f.rows, ch.ID)
				f.rows[to] = next
				return nil
			})
		}},
		{"Renew replaces", []string{"Renewer/Taken"}, func(f *faulty) {
			f.renewing(func(s *session.Session, ch session.Changes, to session.ID) error {
				next, err := f.mergedLocked(ch)
				if err == nil {
					delete(f.rows, ch.ID)
					f.rows[to] = next
				}
				return err
			})
		}},
		{"Renew over what expired", []string{"Renewer/OverExpired"}, func(f *faulty) {
			f.renewing(func(s *session.Session, ch session.Changes, to session.ID) error {
				if _, ok := f.findLocked(to); ok {
					return session.ErrExists
				}
				next, err := f.mergedLocked(ch)
				if err != nil {
					return err
				}
				for name, values := range f.rows[to].components {
					if next.components[name] == nil {
						next.components[name] = values
					}
				}
				delete(f.rows, ch.ID)
				f.rows[to] = next
				return nil
			})
		}},
		{"Renew in two steps", []string{"Renewer/RenewAgainstSave", "Renewer/Twice"}, func(f *faulty) {
			f.renew = func(ctx context.Context, s *session.Session, to session.ID) error {
				var next row
				ch := s.Changes()
				err := f.do(ctx, func() (err error) { next, err = f.mergedLocked(ch); return err })
				if err != nil {
					return err
				}
				for range 20 {
					runtime.Gosched()
				}
				err = f.do(ctx, func() error { f.rows[to] = next; delete(f.rows, ch.ID); return nil })
				f.notify(session.Renewed, ch.ID)
				return err
			}
		}},
	}
}

func reapableFaults() []fault {
	return []fault{
		{"Reap does not count", []string{"Reapable/Reap"}, func(f *faulty) {
			f.reap = func(ctx context.Context) (int, error) {
				_, err := f.fullStore.Reap(ctx)
				return 0, err
			}
		}},
		{"Reap takes what is alive", []string{"Reapable/Reap", "Reapable/ReapAgainstSave"}, func(f *faulty) {
			f.reap = func(ctx context.Context) (int, error) {
				_, err := f.end(ctx, session.Expired, func(_ session.ID, r row) bool {
					return time.Since(r.meta.LastAccess) > time.Minute
				})
				return 0, err
			}
		}},
	}
}

// listedIf replaces ByUser by a list of the sessions that match.
func (f *faulty) listedIf(match func(id session.ID, r row, user string) bool) {
	f.byUser = func(ctx context.Context, user string) (infos []session.Info, err error) {
		err = f.do(ctx, func() error {
			for id, r := range f.rows {
				if match(id, r, user) {
					infos = append(infos, session.Info{ID: id, Meta: r.meta})
				}
			}
			return nil
		})
		return infos, err
	}
}

func userFaults() []fault {
	return []fault{
		{"no components in ByUser", []string{"UserIndex/ByUser"}, func(f *faulty) {
			f.listedIf(func(id session.ID, r row, user string) bool {
				_, live := f.findLocked(id)
				return live && r.meta.User == user
			})
		}},
		{"ByUser lists what expired", []string{"UserIndex/Ended"}, func(f *faulty) {
			f.listedIf(func(_ session.ID, r row, user string) bool { return r.meta.User == user })
		}},
		{"ByUser by prefix", []string{"UserIndex/Names"}, func(f *faulty) {
			f.listedIf(func(_ session.ID, r row, user string) bool { return strings.HasPrefix(r.meta.User, user) })
		}},
		{"nobody is a user", []string{"UserIndex/Nobody"}, func(f *faulty) {
			f.destroyUser = func(ctx context.Context, user string, except ...session.ID) (int, error) {
				return f.end(ctx, session.Revoked, func(_ session.ID, r row) bool { return r.meta.User == user })
			}
		}},
		{"DestroyUser takes what is excepted", []string{"UserIndex/DestroyUser"}, func(f *faulty) {
			f.destroyUser = func(ctx context.Context, user string, _ ...session.ID) (int, error) {
				return f.fullStore.DestroyUser(ctx, user)
			}
		}},
	}
}

func notifierFaults() []fault {
	return []fault{
		{"one reason for all", []string{"Notifier/Reasons"}, func(f *faulty) {
			f.onDestroy = func(g func(session.ID, session.Reason)) func() {
				return f.fullStore.OnDestroy(func(id session.ID, _ session.Reason) { g(id, session.Destroyed) })
			}
		}},
		{"tells of nothing", []string{"Notifier/Nothing"}, func(f *faulty) {
			f.destroy = func(ctx context.Context, id session.ID) error {
				_, err := f.fullStore.Get(ctx, id)
				if errors.Is(err, session.ErrNotFound) {
					f.notify(session.Destroyed, id)
				}
				return f.fullStore.Destroy(ctx, id)
			}
		}},
		{"tells before the commit", []string{"Notifier/AfterCommit"}, func(f *faulty) {
			f.destroy = func(ctx context.Context, id session.ID) error {
				if _, err := f.fullStore.Get(ctx, id); err == nil {
					f.notify(session.Destroyed, id)
				}
				return f.do(ctx, func() error { delete(f.rows, id); return nil })
			}
		}},
		{"tells nobody", []string{"Notifier/Reasons", "Notifier/AfterCommit"}, func(f *faulty) {
			f.onDestroy = func(func(session.ID, session.Reason)) func() { return func() {} }
		}},
		{"no use in a callback", []string{"Notifier/UseInCallback"}, func(f *faulty) {
			var inside atomic.Bool
			f.onDestroy = func(g func(session.ID, session.Reason)) func() {
				return f.fullStore.OnDestroy(func(id session.ID, why session.Reason) {
					inside.Store(true)
					defer inside.Store(false)
					g(id, why)
				})
			}
			save := f.save
			f.save = func(ctx context.Context, s *session.Session) error {
				if inside.Load() {
					return errors.New("locked")
				}
				return save(ctx, s)
			}
		}},
		{"cancel does nothing", []string{"Notifier/Cancel"}, func(f *faulty) {
			f.onDestroy = func(g func(session.ID, session.Reason)) func() {
				f.fullStore.OnDestroy(g)
				return func() {}
			}
		}},
		{"every ender tells", []string{"Notifier/OnceEach"}, func(f *faulty) {
			f.destroy = func(ctx context.Context, id session.ID) error {
				_, err := f.fullStore.Get(ctx, id)
				for range 20 {
					runtime.Gosched()
				}
				if err == nil {
					f.do(ctx, func() error { delete(f.rows, id); return nil })
					f.notify(session.Destroyed, id)
				}
				return f.fullStore.Destroy(ctx, id)
			}
		}},
	}
}
