package record

import "errors"

// The errors that a caller can test for with errors.Is. What is returned wraps one of them;
// its text gives the reason in words, with type and field names but never a value or a key.
var (
	// ErrUnsupported: a value that would not come back equal.
	ErrUnsupported = errors.New("value cannot be stored")
	// ErrTooLarge: a value over a limit of size, elements or pairs.
	ErrTooLarge = errors.New("value is too large")
	// ErrMalformed: bytes that this package does not write.
	ErrMalformed = errors.New("malformed record")
	// ErrChecksum: a record that is damaged, or that stands in another record's place.
	ErrChecksum = errors.New("record fails its checksum")
	// ErrVersion: an undamaged record of a version that this program does not know.
	ErrVersion = errors.New("record is of an unknown version")
	// ErrKey: an undamaged record that is encrypted with a key that was not given.
	ErrKey = errors.New("record is encrypted with another key")
	// ErrForged: a record that its key does not authenticate, though its checksum is right.
	ErrForged = errors.New("encrypted record was tampered with")
)

// refusal is an error whose text is the reason alone: the sentinel that it wraps is worded for
// this package, and callers put their own words in front.
type refusal struct {
	kind  error  // a sentinel, or nil
	where string // type and field, "" for the value itself
	why   string
	cause error // of a marshaler or unmarshaler, or nil; not in the text, it may tell a value
}

// Error implements error.
func (r *refusal) Error() string {
	if r.where != "" {
		return r.where + ": " + r.why
	}
	return r.why
}

// Unwrap returns the sentinel and the cause, as far as there are any.
func (r *refusal) Unwrap() []error {
	var errs []error
	for _, err := range [...]error{r.kind, r.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// in notes the struct field that the refused value is in; the innermost one stays.
func (r *refusal) in(where string) *refusal {
	if r.where == "" {
		r.where = where
	}
	return r
}

func unsupported(why string) *refusal { return &refusal{kind: ErrUnsupported, why: why} }

func tooLarge(why string) *refusal { return &refusal{kind: ErrTooLarge, why: why} }
