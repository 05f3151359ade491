package main

import (
	"context"
	"fmt"
	"io"
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

	batch     []admin.Session
	batchSize int

	imported, existing, expired int
}

func newImporter(store *connection, replace bool) *importer {
	return &importer{store: store, replace: replace, now: time.Now()}
}

// run stores what in has. What comes before an error is stored.
func (im *importer) run(ctx context.Context, std streams, in io.Reader, size int64) error {
	p := std.progress("import", bytesUnit)
	if size == 0 {
		p = std.progress("import", countUnit)
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
	im.batch = append(im.batch, s)
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
	n, err := im.store.Import(ctx, im.replace, im.batch...)
	im.imported += n
	if err != nil {
		return fmt.Errorf("import sessions: %w", err)
	}
	im.existing += len(im.batch) - n
	im.batch, im.batchSize = im.batch[:0], 0
	return nil
}
