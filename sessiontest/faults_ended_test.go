package sessiontest_test

import (
	"context"
	"time"

	"github.com/boltsession/session"
)

func endedFaults() []fault {
	return []fault{
		{"Save revives", []string{"Rule2Ended/SaveAfterDestroy", "Rule2Ended/DestroyAgainstSave", "Clearer/Clear", "Clearer/ClearAgainstSave",
			"UserIndex/DestroyUser", "UserIndex/DestroyUserAgainstSave", "Renewer/OldHandles", "Renewer/RenewAgainstSave"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, ok bool) {
				if !ok && !ch.New {
					meta := session.Meta{LastAccess: time.Now(), MaxAge: time.Hour, End: time.Now().Add(time.Hour)}
					ch.New, ch.Meta = true, &meta
				}
			})
		}},
		{"Save revives what expired", []string{"Rule2Ended/SaveAfterExpiry", "Reapable/Reap"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, ok bool) {
				if r, there := f.rows[ch.ID]; there && !ok && !ch.New {
					r.meta.LastAccess = time.Now()
					f.rows[ch.ID] = r
				}
			})
		}},
		{"never calls Saved", []string{"Rule2Ended/FirstSaveOnce", "Rule4Values/EqualBytes"}, func(f *faulty) {
			f.save = func(ctx context.Context, s *session.Session) error {
				return f.do(ctx, func() error {
					next, err := f.mergedLocked(s.Changes())
					if err == nil {
						f.rows[s.ID()] = next
					}
					return err
				})
			}
		}},
		{"calls Saved too early", []string{"Rule2Ended/CleanFailure", "Rule6Saved/Cancelled", "Rule7Closed/AfterClose"}, func(f *faulty) {
			f.save = func(ctx context.Context, s *session.Session) error {
				ch := s.Changes()
				s.Saved(ch)
				return f.do(ctx, func() error {
					next, err := f.mergedLocked(ch)
					if err == nil {
						f.rows[ch.ID] = next
					}
					return err
				})
			}
		}},
		{"a new session replaces", []string{"Rule2Ended/TakenID", "Rule2Ended/TwoCreators"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, ok bool) {
				if ok && ch.New {
					delete(f.rows, ch.ID)
				}
			})
		}},
		{"a new session inherits", []string{"Rule2Ended/OverExpired"}, func(f *faulty) {
			f.afterSave(func(old row, ok bool, next row) row {
				for name, values := range old.components {
					if !ok && next.components[name] == nil {
						next.components[name] = values
					}
				}
				return next
			})
		}},
	}
}

func expiryFaults() []fault {
	return []fault{
		{"Get returns expired sessions", []string{"Rule3Expiry/Idle", "Rule3Expiry/Acquire"}, func(f *faulty) {
			f.withRow(func(r row) row {
				r.meta.LastAccess, r.meta.End = time.Now(), time.Now().Add(time.Hour)
				return r
			})
		}},
		{"the lifetime has no end", []string{"Rule3Expiry/Lifetime"}, func(f *faulty) {
			f.withRow(func(r row) row {
				r.meta.End = time.Now().Add(1000 * time.Hour)
				return r
			})
		}},
		{"one max age for all", []string{"Rule3Expiry/MaxAgeOfMeta"}, func(f *faulty) {
			f.withRow(func(r row) row {
				r.meta.MaxAge = session.DefaultMaxAge
				return r
			})
		}},
		{"metadata is stored once", []string{"Rule3Expiry/MaxAgeLonger", "Rule1Merge/Metadata", "UserIndex/SetUser", "Reapable/MaxAgeChanged"}, func(f *faulty) {
			f.saveWith(func(ch *session.Changes, _ row, _ bool) {
				if !ch.New {
					ch.Meta = nil
				}
			})
		}},
		{"a save moves the last access back", []string{"Rule3Expiry/ForwardOnly", "Toucher/AmongSaves"}, func(f *faulty) {
			f.save = func(ctx context.Context, s *session.Session) error {
				return f.do(ctx, func() error {
					ch := s.Changes()
					next, err := f.mergedLocked(ch)
					if err != nil {
						return err
					}
					if ch.Meta != nil {
						next.meta = *ch.Meta
					}
					f.rows[ch.ID] = next
					s.Saved(ch)
					return nil
				})
			}
		}},
	}
}
