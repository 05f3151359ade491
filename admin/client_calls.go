package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Stats is [Backend].Stats; Live is true and Process the one that answers.
func (c *Client) Stats(ctx context.Context) (stats Stats, err error) {
	err = c.get(ctx, answerTimeout, pathStats, nil, &stats)
	return stats, err
}

// Length is [Backend].Length.
func (c *Client) Length(ctx context.Context) (int, error) {
	var out countAnswer
	err := c.get(ctx, answerTimeout, pathLength, nil, &out)
	return out.Count, err
}

// idLen is the length of an ID.
const idLen = 64

// Get is [Backend].Get.
func (c *Client) Get(ctx context.Context, id string) (s Session, err error) {
	if len(id) != idLen || strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return s, fmt.Errorf("%w: an ID has %d hex digits", ErrInvalid, idLen)
	}
	err = c.get(ctx, answerTimeout, pathSessions+"/"+id, nil, &s)
	return s, err
}

// Find is [Backend].Find.
func (c *Client) Find(ctx context.Context, prefix string, limit int) ([]string, error) {
	var out idsAnswer
	q := url.Values{"prefix": {prefix}, "limit": {strconv.Itoa(limit)}}
	err := c.get(ctx, answerTimeout, pathFind, q, &out)
	return out.IDs, err
}

// idsPerRequest keeps a request to destroy sessions under its limit.
const idsPerRequest = 4096

// Destroy is [Backend].Destroy.
func (c *Client) Destroy(ctx context.Context, ids ...string) (total int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for some := range slices.Chunk(ids, idsPerRequest) {
		n, err := c.count(ctx, answerTimeout, pathDestroy, destroyRequest{some})
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// DestroyUser is [Backend].DestroyUser.
func (c *Client) DestroyUser(ctx context.Context, user string) (int, error) {
	return c.count(ctx, answerTimeout, pathDestroyUser, userRequest{user})
}

// Clear is [Backend].Clear.
func (c *Client) Clear(ctx context.Context) (int, error) {
	return c.count(ctx, 0, pathClear, nothing{})
}

// Reap is [Backend].Reap.
func (c *Client) Reap(ctx context.Context) (int, error) {
	return c.count(ctx, 0, pathReap, nothing{})
}

// Backup is [Backend].Backup.
func (c *Client) Backup(ctx context.Context, path string) error {
	return c.post(ctx, 0, pathBackup, backupRequest{path}, &nothing{})
}

// Compact is [Backend].Compact.
func (c *Client) Compact(ctx context.Context) (done Compaction, err error) {
	err = c.post(ctx, 0, pathCompact, nothing{}, &done)
	return done, err
}

// importBatch is about how many bytes of sessions go in one request.
const importBatch = 1 << 20

// Import is [Backend].Import, in batches of about 1 MiB: an invalid session stops it when those
// before it are stored.
func (c *Client) Import(ctx context.Context, replace bool, sessions ...Session) (total int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for len(sessions) > 0 {
		n, size := 0, 0
		for n < len(sessions) && (n == 0 || size < importBatch) {
			size += sessions[n].size()
			n++
		}
		stored, err := c.count(ctx, 0, pathImport, importRequest{replace, sessions[:n]})
		total += stored
		if err != nil {
			return total, err
		}
		sessions = sessions[n:]
	}
	return total, nil
}

// size is about how many bytes a session takes as JSON.
func (s *Session) size() int {
	n := 512
	for name, values := range s.Values {
		n += len(name)
		for key, value := range values {
			n += len(key) + len(value)*4/3 + 8
		}
	}
	return n
}

// post sends what is asked for and decodes the answer into out.
func (c *Client) post(ctx context.Context, within time.Duration, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%w: it cannot be sent as JSON", ErrInvalid) // a time beyond the year 9999
	}
	return c.call(ctx, within, path, nil, body, out)
}

// count is post for what counts sessions, also those before a failure.
func (c *Client) count(ctx context.Context, within time.Duration, path string, in any) (int, error) {
	var out countAnswer
	err := c.post(ctx, within, path, in, &out)
	var remote *remoteError
	if errors.As(err, &remote) {
		return remote.Count, err
	}
	return out.Count, err
}
