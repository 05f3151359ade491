package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// List is [Backend].List. The sessions are sent while they are asked for: whoever takes more than
// a minute over a few hundred of them gets an error that the list was cut off.
func (c *Client) List(ctx context.Context, f Filter) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		// The other end has to send on while it is waited for, not while yield takes its time.
		patience := time.AfterFunc(answerTimeout, func() {
			cancel(fmt.Errorf("%w within %v", ErrNoAnswer, answerTimeout))
		})
		defer patience.Stop()
		answer, err := c.send(ctx, pathSessions, f.query(), nil)
		if err != nil {
			yield(Session{}, c.failure(ctx, err))
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(answer.Body, maxRequest))
			yield(Session{}, problemIn(text))
			return
		}
		for lines := json.NewDecoder(answer.Body); ; {
			s, err := nextLine(lines)
			patience.Stop()
			switch {
			case errors.Is(err, errListEnd):
				return
			case err != nil:
				yield(Session{}, listFailure(ctx, err))
				return
			case !yield(*s, nil):
				return
			}
			patience.Reset(answerTimeout)
		}
	}
}

// query returns the filter as the query of a request.
func (f Filter) query() url.Values {
	q := url.Values{}
	if f.User != "" {
		q.Set("user", f.User)
	}
	if f.Component != "" {
		q.Set("component", f.Component)
	}
	if f.Older != 0 {
		q.Set("older", f.Older.String())
	}
	return q
}

// errListEnd says that a list is complete.
var errListEnd = errors.New("the list is complete")

// nextLine returns the next session of a list.
func nextLine(lines *json.Decoder) (*Session, error) {
	var line listLine
	if err := lines.Decode(&line); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		if errors.As(err, &syntax) || errors.As(err, &kind) {
			return nil, errBadAnswer
		}
		return nil, err
	}
	switch {
	case line.Session != nil:
		return line.Session, nil
	case line.End:
		return nil, errListEnd
	case line.Code != "":
		return nil, line.problem.err()
	}
	return nil, errBadAnswer
}

// listFailure returns why a list ended early.
func listFailure(ctx context.Context, err error) error {
	if given := gaveUp(ctx); given != nil {
		return given
	}
	var remote *remoteError
	if errors.As(err, &remote) || errors.Is(err, errBadAnswer) {
		return err
	}
	return fmt.Errorf("%w: the list was cut off; it has to be read within about a minute, and the app may have ended", ErrNoAnswer)
}
