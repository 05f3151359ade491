package sessiontest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/boltsession/session"
)

func valueFaults() []fault {
	return []fault{
		{"values as text", []string{"Rule4Values/Accepted"}, func(f *faulty) {
			f.eachValue(func(key string, value []byte) (string, []byte) {
				if bytes.Contains(value, []byte{0xff}) {
					value = []byte{0x60}
				}
				return key, value
			})
		}},
		{"keys in lower case", []string{"Rule4Values/Keys"}, func(f *faulty) {
			f.eachValue(func(key string, value []byte) (string, []byte) { return strings.ToLower(key), value })
		}},
		{"keys of 64 bytes", []string{"Rule4Values/Names", "Rule4Values/Keys"}, func(f *faulty) {
			f.eachValue(func(key string, value []byte) (string, []byte) { return key[:min(len(key), 64)], value })
		}},
		{"values of 32 KiB", []string{"Rule4Values/SizeLimit"}, func(f *faulty) {
			f.eachValue(func(key string, value []byte) (string, []byte) {
				if len(value) > 32<<10 {
					value = []byte{0x40}
				}
				return key, value
			})
		}},
		{"stores a part of what is too large", []string{"Rule4Values/SizeOfMerge"}, partOfTooLarge},
		{"one copy for all", []string{"Rule4Values/CopiesApart"}, func(f *faulty) {
			copies := make(map[session.ID]*session.Session)
			f.get = func(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
				s, err := f.fullStore.Get(ctx, id, components...)
				if err == nil {
					f.do(ctx, func() error {
						if copies[id] == nil {
							copies[id] = s
						}
						s = copies[id]
						return nil
					})
				}
				return s, err
			}
		}},
		{"encrypts in place", []string{"Rule4Values/ValuesUnharmed"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, _ bool) {
				for name, c := range ch.Components {
					plain := c.Set
					c.Set = make(map[string][]byte)
					for key, value := range plain {
						c.Set[key] = slices.Clone(value)
						value[len(value)-1] ^= 1
					}
					ch.Components[name] = c
				}
			})
		}},
		{"numbers only", []string{"Rule5Undecodable/WrongType", "Rule4Values/Aliasing"}, func(f *faulty) {
			f.eachValue(func(key string, value []byte) (string, []byte) {
				if value[0] >= 0x40 {
					value = []byte{0}
				}
				return key, value
			})
		}},
		{"a key keeps its type", []string{"Rule5Undecodable/Replaced"}, func(f *faulty) {
			f.afterSave(func(old row, _ bool, next row) row {
				for key, value := range old.components[""] {
					if v, ok := next.components[""][key]; ok && v[0]>>5 != value[0]>>5 {
						next.components[""][key] = value
					}
				}
				return next
			})
		}},
	}
}

// partOfTooLarge leaves out what does not fit, and says so when the rest is stored.
func partOfTooLarge(f *faulty) {
	var tooLarge atomic.Bool
	f.saveWith(func(ch *session.Changes, old row, _ bool) {
		c := ch.Components[""]
		for key, value := range c.Set {
			if len(old.components[""]["a"])+len(value) > session.DefaultMaxComponentSize {
				delete(c.Set, key)
				tooLarge.Store(true)
			}
		}
	})
	save := f.save
	f.save = func(ctx context.Context, s *session.Session) error {
		if err := save(ctx, s); err != nil {
			return err
		}
		if tooLarge.Swap(false) {
			return session.ErrTooLarge
		}
		return nil
	}
}

func savedFaults() []fault {
	return []fault{
		{"Save answers too early", []string{"Rule6Saved/Visible", "Rule6Saved/ManyOnOneHandle", "Rule1Merge/Counter"}, answersEarly},
		{"Saved gets newer changes", []string{"Rule6Saved/SetDuringSave"}, func(f *faulty) {
			f.save = func(ctx context.Context, s *session.Session) error {
				return f.do(ctx, func() error {
					ch := s.Changes()
					next, err := f.mergedLocked(ch)
					if err != nil {
						return err
					}
					f.rows[ch.ID] = next
					for range 20 {
						runtime.Gosched()
					}
					s.Saved(s.Changes())
					return nil
				})
			}
		}},
		{"ignores the context", []string{"Rule6Saved/Cancelled", "Rule6Saved/DeadlineExceeded", "Rule2Ended/CleanFailure"}, func(f *faulty) {
			save := f.save
			f.save = func(ctx context.Context, s *session.Session) error { return save(context.WithoutCancel(ctx), s) }
		}},
		{"a late context is no error", []string{"Rule6Saved/Cancelled"}, func(f *faulty) {
			f.destroy = func(ctx context.Context, id session.ID) error {
				return f.fullStore.Destroy(context.WithoutCancel(ctx), id)
			}
		}},
	}
}

// answersEarly has each Save store what the one before it was asked to.
func answersEarly(f *faulty) {
	var waiting []session.Changes
	f.save = func(ctx context.Context, s *session.Session) error {
		return f.do(ctx, func() error {
			ch := s.Changes()
			if _, ok := f.findLocked(ch.ID); !ch.New && !ok {
				return session.ErrNotFound
			}
			waiting = append(waiting, ch)
			for len(waiting) > 1 || ch.New && len(waiting) > 0 {
				if next, err := f.mergedLocked(waiting[0]); err == nil {
					f.rows[waiting[0].ID] = next
				}
				waiting = waiting[1:]
			}
			s.Saved(ch)
			return nil
		})
	}
}

func closedFaults() []fault {
	return []fault{
		{"works after Close", []string{"Rule7Closed/AfterClose", "Rule7Closed/CloseWhileBusy"}, func(f *faulty) {
			f.close = func() error { return nil }
		}},
		{"Close twice is an error", []string{"Rule7Closed/CloseAgain"}, func(f *faulty) {
			f.close = func() error { return f.do(context.Background(), func() error { f.closed = true; return nil }) }
		}},
		{"another error after Close", []string{"Rule7Closed/AfterClose", "Rule7Closed/CloseWhileBusy"}, func(f *faulty) {
			save := f.save
			f.save = func(ctx context.Context, s *session.Session) error {
				if err := save(ctx, s); !errors.Is(err, session.ErrClosed) {
					return err
				}
				return errors.New("no connection")
			}
		}},
		{"busy for all but one", []string{"Rule7Closed/Concurrency"}, func(f *faulty) {
			var inside atomic.Int32
			get := f.get
			f.get = func(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
				defer inside.Add(-1)
				if inside.Add(1) > 1 {
					return nil, errors.New("busy")
				}
				for range 20 {
					runtime.Gosched()
				}
				return get(ctx, id, components...)
			}
		}},
	}
}
