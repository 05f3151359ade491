package session

import (
	"context"
	"iter"
	"slices"
	"time"
)

// All is [Lister].All.
func (m *MemoryStore) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		infos, err := m.list(ctx, func(Meta) bool { return true })
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// list returns the unexpired sessions that match, by ID.
func (m *MemoryStore) list(ctx context.Context, match func(Meta) bool) (infos []Info, err error) {
	err = m.do(ctx, func(now time.Time) error {
		for id, s := range m.sessions {
			if s.meta.Expired(now) || !match(s.meta) {
				continue
			}
			info := Info{ID: id, Meta: s.meta, Components: make(map[string]int, len(s.components))}
			for name, values := range s.components {
				info.Components[name] = values.Len()
			}
			infos = append(infos, info)
		}
		return nil
	})
	slices.SortFunc(infos, func(a, b Info) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return infos, err
}

// Length is [Lister].Length.
func (m *MemoryStore) Length(ctx context.Context) (n int, err error) {
	err = m.do(ctx, func(now time.Time) error {
		for _, s := range m.sessions {
			if !s.meta.Expired(now) {
				n++
			}
		}
		return nil
	})
	return n, err
}

// Clear is [Clearer].Clear.
func (m *MemoryStore) Clear(ctx context.Context) (int, error) {
	return m.endWhere(ctx, Cleared, func(ID, *memorySession) bool { return true })
}

// Reap is [Reapable].Reap.
func (m *MemoryStore) Reap(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	count, n, err := m.reapNow(time.Now())
	m.observers.tell(n)
	return count, err
}

func (m *MemoryStore) reapNow(now time.Time) (count int, n *news, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, nil, ErrClosed
	}
	count, n = m.reapLocked(now)
	return count, n, nil
}

// ByUser is [UserIndex].ByUser. It looks at every session.
func (m *MemoryStore) ByUser(ctx context.Context, user string) ([]Info, error) {
	return m.list(ctx, func(meta Meta) bool { return user != "" && meta.User == user })
}

// DestroyUser is [UserIndex].DestroyUser. It looks at every session.
func (m *MemoryStore) DestroyUser(ctx context.Context, user string, except ...ID) (int, error) {
	return m.endWhere(ctx, Revoked, func(id ID, s *memorySession) bool {
		return user != "" && s.meta.User == user && !slices.Contains(except, id)
	})
}

// endWhere ends the sessions for which match says so, and returns how many were not expired
// already.
func (m *MemoryStore) endWhere(ctx context.Context, reason Reason, match func(ID, *memorySession) bool) (count int, err error) {
	var n *news
	err = m.do(ctx, func(now time.Time) error {
		var ended []ID
		for id, s := range m.sessions {
			if !match(id, s) {
				continue
			}
			if !s.meta.Expired(now) {
				count++
			}
			delete(m.sessions, id)
			ended = append(ended, id)
		}
		n = m.observers.publish(reasoned(reason, ended)...)
		return nil
	})
	m.observers.tell(n)
	return count, err
}
