package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// decode reads a request's body, which has to be one JSON object with known fields and nothing
// else. The errors repeat nothing of it: it may hold values.
func decode[T any](r *http.Request, limit int64) (in T, err error) {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, decodeError(err)
	}
	switch _, err := d.Token(); {
	case errors.Is(err, io.EOF):
		return in, nil
	case err == nil:
		return in, fmt.Errorf("%w: more than one JSON value", ErrInvalid)
	default:
		return in, decodeError(err)
	}
}

// decodeError puts what is wrong with a body into words of our own.
func decodeError(err error) error {
	var (
		large  *http.MaxBytesError
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("%w: more than %d bytes", ErrInvalid, large.Limit)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: no JSON from byte %d on", ErrInvalid, syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%w: wrong kind of JSON value before byte %d", ErrInvalid, kind.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the JSON object is missing or cut off", ErrInvalid)
	}
	return fmt.Errorf("%w: a field that is not known, a bad value, or the body did not arrive", ErrInvalid)
}

// queryReader takes the parameters of a query one by one.
type queryReader struct {
	values url.Values
	err    error
}

func query(r *http.Request) *queryReader {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = fmt.Errorf("%w: the query is malformed", ErrInvalid)
	}
	return &queryReader{values, err}
}

// text returns a parameter, "" if it is missing.
func (q *queryReader) text(name string) string {
	values := q.values[name]
	delete(q.values, name)
	if len(values) > 1 {
		q.err = fmt.Errorf("%w: %s is there twice", ErrInvalid, name)
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// number returns a parameter that has to be a number.
func (q *queryReader) number(name string) int {
	n, err := strconv.Atoi(q.text(name))
	if err != nil && q.err == nil {
		q.err = fmt.Errorf("%w: %s has to be a number", ErrInvalid, name)
	}
	return n
}

// done says what is wrong with the query, now that all that is known of it was taken.
func (q *queryReader) done() error {
	if q.err == nil && len(q.values) > 0 {
		return fmt.Errorf("%w: a parameter that is not known", ErrInvalid)
	}
	return q.err
}
