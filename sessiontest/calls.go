package sessiontest

import (
	"context"
	"time"

	"github.com/boltsession/session"
)

// call is a call of a method of a store, by name.
type call struct {
	name string
	do   func(context.Context) error
}

// victims are sessions that calls which must do nothing work on.
type victims struct {
	stored *session.Session // stored, of the user anna, and then dirty
	fresh  *session.Session // never saved
	to     session.ID       // where stored is to be renewed to
}

// victims makes them, and an expired session; the store has nothing else.
func (k *kit) victims() victims {
	k.Helper()
	k.stored(expired)
	v := victims{
		stored: k.stored(ofUser("anna")),
		fresh:  session.NewSession(k.store, newID(), newMeta()),
		to:     newID(),
	}
	set(k, v.stored, "dirty", 1)
	set(k, v.fresh, "dirty", 1)
	return v
}

// calls returns a call of every method that the store has, but for Close and OnDestroy, which
// have neither a context nor an error to return.
func (k *kit) calls(v victims) []call {
	id := v.stored.ID()
	calls := []call{
		{"Create", func(ctx context.Context) error {
			_, err := k.store.Create(ctx, newID())
			return err
		}},
		{"Get", func(ctx context.Context) error {
			_, err := k.store.Get(ctx, id)
			return err
		}},
		{"Save of a new session", func(ctx context.Context) error { return k.store.Save(ctx, v.fresh) }},
		{"Save", func(ctx context.Context) error { return k.store.Save(ctx, v.stored) }},
		{"Session.Save", func(ctx context.Context) error { return v.stored.Save(ctx) }},
		{"Session.Component", func(ctx context.Context) error {
			_, err := v.stored.Component(ctx, "unread")
			return err
		}},
		{"Destroy", func(ctx context.Context) error { return k.store.Destroy(ctx, id) }},
		{"Destroy of nothing", func(ctx context.Context) error { return k.store.Destroy(ctx, newID()) }},
	}
	return append(calls, k.optionalCalls(v)...)
}

func (k *kit) optionalCalls(v victims) []call {
	var calls []call
	add := func(name string, do func(context.Context) error) { calls = append(calls, call{name, do}) }
	if lister, ok := session.As[session.Lister](k.store); ok {
		add("All", func(ctx context.Context) error { return lastError(lister, ctx) })
		add("Length", func(ctx context.Context) error {
			_, err := lister.Length(ctx)
			return err
		})
	}
	if clearer, ok := session.As[session.Clearer](k.store); ok {
		add("Clear", func(ctx context.Context) error {
			_, err := clearer.Clear(ctx)
			return err
		})
	}
	if toucher, ok := session.As[session.Toucher](k.store); ok {
		add("Touch", func(ctx context.Context) error { return toucher.Touch(ctx, v.stored.ID(), time.Now()) })
	}
	if renewer, ok := session.As[session.Renewer](k.store); ok {
		add("Renew", func(ctx context.Context) error { return renewer.Renew(ctx, v.stored, v.to) })
	}
	if reapable, ok := session.As[session.Reapable](k.store); ok {
		add("Reap", func(ctx context.Context) error {
			_, err := reapable.Reap(ctx)
			return err
		})
	}
	if index, ok := session.As[session.UserIndex](k.store); ok {
		add("ByUser", func(ctx context.Context) error {
			_, err := index.ByUser(ctx, "anna")
			return err
		})
		add("DestroyUser", func(ctx context.Context) error {
			_, err := index.DestroyUser(ctx, "anna")
			return err
		})
	}
	return calls
}

// lastError goes through All and returns its error.
func lastError(lister session.Lister, ctx context.Context) (last error) {
	for _, err := range lister.All(ctx) {
		last = err
	}
	return last
}
