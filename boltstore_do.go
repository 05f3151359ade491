package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errCrowded is ErrFull for new sessions while there still is room for those that exist.
var errCrowded = fmt.Errorf("%w (new sessions stop at 90 %% of MaxSize)", ErrFull)

// saveOp returns the op that stores changes.
func (b *BoltStore) saveOp(ch Changes) (*op, error) {
	if ch.Meta != nil {
		if err := checkName("user name", ch.Meta.User); err != nil {
			return nil, err
		}
	}
	if b.unkeyed && len(ch.Components) > 0 {
		return nil, ErrEncrypted // not to store in clear what is meant to be encrypted
	}
	for name := range ch.Components {
		if err := checkName("component name", name); err != nil {
			return nil, err
		}
	}
	rev := revision{isNew: ch.New, meta: ch.Meta, changes: ch.Components}
	return &op{kind: opSave, id: ch.ID, rev: rev, at: time.Now()}, nil
}

// do has the committer do an op, and tells the observers of the sessions that it ended. ctx is
// honoured until the op is queued; then the answer is waited for, as the op may be on disk.
func (b *BoltStore) do(ctx context.Context, o *op) (outcome, error) {
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	t := b.newTask(*o)
	if err := b.queue.add(t); err != nil {
		b.free(t)
		return outcome{}, b.undone(o, err)
	}
	<-t.done
	out := t.outcome
	b.free(t)
	if out.owing != nil {
		b.observers.refuse(out.owing)
	}
	if out.news != nil || o.ends() {
		b.observers.tell(out.news)
	}
	return out, out.err
}

// undone says that an op was not even queued. Sessions that were to be ended have ended all the
// same, as far as this process is concerned: when the store works again, that is stored first.
func (b *BoltStore) undone(o *op, err error) error {
	if !o.ends() || !errors.Is(err, ErrFailed) {
		return err
	}
	if o.kind == opDestroy {
		b.mem.refuse(o.id, o.reason)
		b.observers.tell(b.observers.publish(ending{o.id, o.reason}))
	} else {
		b.observers.refuse(b.owe(o, false))
	}
	b.queue.soonest(&b.queue.retryAt, time.Now()) // it may work again by now
	return err
}

// usable returns why a read cannot begin.
func (b *BoltStore) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.queue.closed() {
		return ErrClosed
	}
	return nil
}

// ifDamaged ends the session if err says that it is damaged, and returns what is then true.
func (b *BoltStore) ifDamaged(ctx context.Context, id ID, err error) error {
	if !errors.Is(err, errDamaged) {
		return err
	}
	b.endDamaged(ctx, id, err)
	return ErrNotFound
}

// endDamaged destroys a session that cannot be read. It is not the caller's to know whether that
// worked: the session is not found either way.
func (b *BoltStore) endDamaged(ctx context.Context, id ID, damage error) {
	b.log.Error("session: damaged session", "session", id.Short(), "error", damage)
	if b.opts.ReadOnly {
		return
	}
	o := &op{kind: opDestroy, id: id, reason: Damaged, at: time.Now()}
	if _, err := b.do(context.WithoutCancel(ctx), o); err != nil {
		b.log.Error("session: cannot remove damaged session", "session", id.Short(), "error", err)
	}
}
