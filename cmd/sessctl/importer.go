package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/boltsession/session/admin"
)

// A batch is what is stored in one go.
const (
	batchSessions = 128
	batchBytes    = 256 << 10 // of text
)

// importer stores sessions in batches.
type importer struct {
	store   *connection
	replace bool
	now     time.Time

	batch     []batched
	ids       map[string]bool // in batch
	batchSize int

	imported, existing, expired int
}

// batched is a session and the line it stood in.
type batched struct {
	admin.Session
	line int
}

func newImporter(store *connection, replace bool) *importer {
	return &importer{store: store, replace: replace, now: time.Now(), ids: map[string]bool{}}
}

// run stores what in has. What comes before an error is stored.
func (im *importer) run(ctx context.Context, std streams, in io.Reader, size int64) error {
	p := std.progress("import", bytesUnit)
	if size == 0 {
		p = std.progress("import sessions", countUnit)
	}
	defer p.stop()
	p.total.Store(size)
	p.start()
	for next := lines(ctx, in); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l := <-next:
			if l.err != nil {
				return im.finish(ctx, l.err)
			}
			if err := im.add(ctx, l); err != nil {
				return err
			}
			if size > 0 {
				p.done.Add(int64(l.size))
			} else {
				p.done.Add(1)
			}
		}
	}
}

// finish stores the last batch when reading ended with err.
func (im *importer) finish(ctx context.Context, err error) error {
	if err := im.flush(ctx); err != nil {
		return err
	}
	if err != io.EOF {
		return fmt.Errorf("read export: %w", err)
	}
	return nil
}

// add takes a line, and stores the batch when it is large enough.
func (im *importer) add(ctx context.Context, l line) error {
	s, err := parseExported(l.text)
	if err != nil {
		if err := im.flush(ctx); err != nil {
			return err
		}
		return fmt.Errorf("line %d: %w", l.number, err)
	}
	if !im.now.Before(s.Expires) {
		im.expired++
		return nil
	}
	if im.ids[s.ID] { // a batch has each once
		if err := im.flush(ctx); err != nil {
			return err
		}
	}
	im.ids[s.ID] = true
	im.batch = append(im.batch, batched{s, l.number})
	im.batchSize += l.size
	if len(im.batch) < batchSessions && im.batchSize < batchBytes {
		return nil
	}
	return im.flush(ctx)
}

// flush stores the batch.
func (im *importer) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	sessions := make([]admin.Session, len(im.batch))
	for i, b := range im.batch {
		sessions[i] = b.Session
	}
	n, err := im.store.Import(ctx, im.replace, sessions...)
	im.imported += n
	if errors.Is(err, admin.ErrInvalid) {
		return im.one(ctx)
	}
	if err != nil {
		return fmt.Errorf("import sessions: %w", err)
	}
	im.existing += len(im.batch) - n
	im.batch, im.batchSize = im.batch[:0], 0
	clear(im.ids)
	return nil
}

// one stores the sessions of a batch one at a time, after the store found one of them wrong and
// stored none, to tell in which line that is.
func (im *importer) one(ctx context.Context) error {
	for _, b := range im.batch {
		n, err := im.store.Import(ctx, im.replace, b.Session)
		im.imported += n
		if err != nil {
			text := strings.TrimPrefix(err.Error(), "session 1 of 1: ")
			return &toldError{fmt.Sprintf("line %d: %s", b.line, text), err}
		}
	}
	return errors.New("import sessions: the store does not take them together")
}
