package sessiontest_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/boltsession/session"
)

func listerFaults() []fault {
	return []fault{
		{"lists a page", []string{"Lister/All"}, func(f *faulty) {
			f.all = func(ctx context.Context) iter.Seq2[session.Info, error] {
				return func(yield func(session.Info, error) bool) {
					n := 0
					for info, err := range f.fullStore.All(ctx) {
						if n++; n > 25 || !yield(info, err) {
							return
						}
					}
				}
			}
		}},
		{"lists values for keys", []string{"Lister/Info"}, func(f *faulty) {
			f.all = func(ctx context.Context) iter.Seq2[session.Info, error] {
				return func(yield func(session.Info, error) bool) {
					for info, err := range f.fullStore.All(ctx) {
						delete(info.Components, "")
						if !yield(info, err) {
							return
						}
					}
				}
			}
		}},
		{"counts what is expired", []string{"Lister/WithoutExpired"}, func(f *faulty) {
			f.length = func(ctx context.Context) (n int, err error) {
				err = f.do(ctx, func() error { n = len(f.rows); return nil })
				return n, err
			}
		}},
		{"one listing at a time", []string{"Lister/Break"}, oneListing},
		{"no changes while listing", []string{"Lister/UseInLoop"}, func(f *faulty) {
			f.all = func(ctx context.Context) iter.Seq2[session.Info, error] {
				return func(yield func(session.Info, error) bool) {
					before, _ := f.fullStore.Length(ctx)
					for info, err := range f.fullStore.All(ctx) {
						if now, _ := f.fullStore.Length(ctx); now != before {
							yield(session.Info{}, errors.New("changed while listing"))
							return
						}
						if !yield(info, err) {
							return
						}
					}
				}
			}
		}},
	}
}

// oneListing has a listing that was not finished go on with the next one.
func oneListing(f *faulty) {
	var seen sync.Map
	f.all = func(ctx context.Context) iter.Seq2[session.Info, error] {
		return func(yield func(session.Info, error) bool) {
			for info, err := range f.fullStore.All(ctx) {
				if _, ok := seen.LoadOrStore(info.ID, true); ok {
					continue
				}
				if !yield(info, err) {
					return
				}
			}
			seen.Clear()
		}
	}
}

func clearerFaults() []fault {
	return []fault{
		{"Clear does not count", []string{"Clearer/Clear"}, func(f *faulty) {
			f.clear = func(ctx context.Context) (int, error) {
				_, err := f.fullStore.Clear(ctx)
				return 0, err
			}
		}},
		{"Clear leaves what is expired", []string{"Clearer/ClearExpired"}, func(f *faulty) {
			f.clear = func(ctx context.Context) (int, error) {
				return f.end(ctx, session.Cleared, func(id session.ID, _ row) bool {
					_, live := f.findLocked(id)
					return live
				})
			}
		}},
	}
}

// touching replaces Touch by what alter does to the row that is touched, with the store locked.
func (f *faulty) touching(alter func(id session.ID, r row, live bool, at time.Time)) {
	f.touch = func(ctx context.Context, id session.ID, at time.Time) error {
		return f.do(ctx, func() error {
			r, live := f.findLocked(id)
			alter(id, r, live, at)
			return nil
		})
	}
}

func toucherFaults() []fault {
	return []fault{
		{"Touch does nothing", []string{"Toucher/Forward", "Rule3Expiry/Touched"}, func(f *faulty) {
			f.touching(func(session.ID, row, bool, time.Time) {})
			f.save = func(ctx context.Context, s *session.Session) error { return f.fullStore.Save(ctx, s) }
			f.get = func(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
				if _, err := f.fullStore.Get(ctx, id, components...); err != nil {
					return nil, err
				}
				var r row
				f.do(ctx, func() error { r = f.rows[id]; return nil })
				return session.LoadSession(f, id, r.meta, r.components), nil
			}
		}},
		{"Touch counts by a later max age", []string{"Toucher/Shortened"}, func(f *faulty) {
			f.afterSave(func(old row, existed bool, next row) row {
				if existed && next.meta.MaxAge < old.meta.MaxAge {
					next.meta.LastAccess = old.meta.Created
				}
				return next
			})
		}},
		{"Touch moves back", []string{"Toucher/Back"}, func(f *faulty) {
			f.touching(func(id session.ID, r row, live bool, at time.Time) {
				if live {
					r.meta.LastAccess = at
					f.rows[id] = r
				}
			})
		}},
		{"Touch makes a session", []string{"Toucher/Missing", "Rule2Ended/DestroyAgainstSave"}, func(f *faulty) {
			f.touching(func(id session.ID, r row, live bool, at time.Time) {
				if !live {
					r.meta = session.Meta{MaxAge: time.Hour, End: at.Add(time.Hour)}
				}
				if at.After(r.meta.LastAccess) {
					r.meta.LastAccess = at
				}
				f.rows[id] = r
			})
		}},
		{"Touch prolongs the lifetime", []string{"Toucher/Lifetime"}, func(f *faulty) {
			f.touching(func(id session.ID, r row, live bool, at time.Time) {
				if live && at.After(r.meta.LastAccess) {
					r.meta.LastAccess, r.meta.End = at, at.Add(session.DefaultLifetime)
					f.rows[id] = r
				}
			})
		}},
	}
}
