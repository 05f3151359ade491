package sessiontest_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"time"

	"github.com/boltsession/session"
)

func verbFaults() []fault {
	return []fault{
		{"Create stores", []string{"Verbs/Create", "Lister/Length"}, func(f *faulty) {
			f.create = func(ctx context.Context, id session.ID) (*session.Session, error) {
				s, err := f.fullStore.Create(ctx, id)
				if err != nil {
					return nil, err
				}
				return s, f.Save(ctx, s)
			}
		}},
		{"Create replaces", []string{"Verbs/CreateTaken"}, func(f *faulty) {
			f.create = func(ctx context.Context, id session.ID) (*session.Session, error) {
				f.fullStore.Destroy(ctx, id)
				return f.fullStore.Create(ctx, id)
			}
		}},
		{"Get adopts the ID", []string{"Verbs/GetUnknown"}, func(f *faulty) {
			f.get = func(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
				s, err := f.fullStore.Get(ctx, id, components...)
				if errors.Is(err, session.ErrNotFound) {
					return f.fullStore.Create(ctx, id)
				}
				return s, err
			}
		}},
		{"Destroy wants a session", []string{"Verbs/DestroyUnknown", "Verbs/Destroy", "Rule3Expiry/DestroyExpired"}, func(f *faulty) {
			f.destroy = func(ctx context.Context, id session.ID) error {
				if _, err := f.fullStore.Get(ctx, id); err != nil {
					return err
				}
				return f.fullStore.Destroy(ctx, id)
			}
		}},
		{"times in seconds", []string{"Verbs/Meta"}, func(f *faulty) {
			f.afterSave(func(_ row, _ bool, next row) row {
				next.meta.LastAccess = next.meta.LastAccess.Truncate(time.Second)
				return next
			})
		}},
		{"Get reads the global component", []string{"Verbs/Components"}, func(f *faulty) {
			f.withRow(func(r row) row {
				r.components = map[string]map[string][]byte{"": r.components[""]}
				return r
			})
		}},
		{"the global component has a name", []string{"Verbs/ComponentNames"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, _ bool) {
				if c, ok := ch.Components["global"]; ok {
					ch.Components[""] = c
				}
			})
		}},
		{"empty components stay", []string{"Verbs/EmptyComponent"}, func(f *faulty) {
			f.afterSave(func(old row, _ bool, next row) row {
				for name := range old.components {
					if next.components[name] == nil {
						next.components[name] = map[string][]byte{}
					}
				}
				return next
			})
		}},
	}
}

func mergeFaults() []fault {
	return []fault{
		{"whole-object set", []string{"Rule1Merge/DifferentKeys", "Rule4Values/Refused"}, wholeObject},
		{"the first writer wins", []string{"Rule1Merge/SameKey"}, func(f *faulty) {
			f.afterSave(func(old row, ok bool, next row) row {
				for key, value := range old.components[""] {
					if _, stays := next.components[""][key]; ok && stays {
						next.components[""][key] = value
					}
				}
				return next
			})
		}},
		{"ignores Removed", []string{"Rule1Merge/RemoveThenSet", "Rule1Merge/Remove", "Rule5Undecodable/Replaced"}, func(f *faulty) {
			f.eachComponent(func(_ string, c session.ComponentChanges) session.ComponentChanges {
				c.Removed = nil
				return c
			})
		}},
		{"ignores Clear", []string{"Rule1Merge/RemoveAll", "Rule1Merge/RemoveAllOfOthers"}, func(f *faulty) {
			f.eachComponent(func(_ string, c session.ComponentChanges) session.ComponentChanges {
				c.Clear = false
				return c
			})
		}},
		{"clears last", []string{"Rule1Merge/RemoveAll"}, func(f *faulty) {
			f.eachComponent(func(_ string, c session.ComponentChanges) session.ComponentChanges {
				if c.Clear {
					c.Set = nil
				}
				return c
			})
		}},
		{"writes clean metadata", []string{"Rule1Merge/Metadata"}, func(f *faulty) {
			save := f.save
			f.save = func(ctx context.Context, s *session.Session) error {
				if err := save(ctx, s); err != nil {
					return err
				}
				return f.do(ctx, func() error {
					r := f.rows[s.ID()]
					r.meta.MaxAge, r.meta.User = s.MaxAge(), s.User()
					f.rows[s.ID()] = r
					return nil
				})
			}
		}},
		{"merges outside of the lock", []string{"Rule1Merge/ManySavers", "Rule2Ended/TwoCreators", "Rule2Ended/DestroyAgainstSave"}, mergesUnlocked},
		{"one step for each component", []string{"Rule1Merge/OneStep"}, stepByStep},
	}
}

// wholeObject stores what a copy had when it was read, with its changes, over what is there.
func wholeObject(f *faulty) {
	read := make(map[*session.Session]row)
	f.get = func(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
		s, err := f.fullStore.Get(ctx, id, components...)
		if err == nil {
			f.do(ctx, func() error { read[s] = f.rows[id]; return nil })
		}
		return s, err
	}
	f.save = func(ctx context.Context, s *session.Session) error {
		return f.do(ctx, func() error {
			ch := s.Changes()
			if _, err := f.mergedLocked(ch); err != nil {
				return err
			}
			meta := f.rows[ch.ID].meta
			f.rows[ch.ID] = read[s]
			next := row{meta: mergedMeta(meta, ch.Meta), components: maps.Clone(read[s].components)}
			if ch.New {
				next.meta = *ch.Meta
			}
			if next.components == nil {
				next.components = make(map[string]map[string][]byte)
			}
			for name, c := range ch.Components {
				next.components[name] = mergedValues(next.components[name], c)
			}
			f.rows[ch.ID] = next
			s.Saved(ch)
			return nil
		})
	}
}

// mergesUnlocked reads, merges and writes in steps that others come between.
func mergesUnlocked(f *faulty) {
	f.save = func(ctx context.Context, s *session.Session) error {
		ch := s.Changes()
		var next row
		err := f.do(ctx, func() (err error) {
			next, err = f.mergedLocked(ch)
			return err
		})
		if err != nil {
			return err
		}
		for range 20 {
			runtime.Gosched()
		}
		return f.do(ctx, func() error {
			f.rows[ch.ID] = next
			s.Saved(ch)
			return nil
		})
	}
}

// stepByStep stores each component in a step of its own.
func stepByStep(f *faulty) {
	f.save = func(ctx context.Context, s *session.Session) error {
		whole := s.Changes()
		step := whole
		step.Components = nil
		store := func() error {
			return f.do(ctx, func() error {
				next, err := f.mergedLocked(step)
				if err == nil {
					f.rows[step.ID] = next
				}
				return err
			})
		}
		if err := store(); err != nil {
			return err
		}
		step.New = false
		for name, c := range whole.Components {
			step.Components = map[string]session.ComponentChanges{name: c}
			if err := store(); err != nil {
				return err
			}
			runtime.Gosched()
		}
		s.Saved(whole)
		return nil
	}
}
