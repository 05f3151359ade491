package peer

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// Session is the session of one request as the app's handlers use it, over each peer's own. part
// is a component, "" the global one.
type Session interface {
	Text(part, key string) string
	SetText(part, key, value string) error
	Number(key string) int
	Add(key string) (int, error) // adds one and returns the sum
	SignIn(user string) error    // makes the session the user's, under a new token
	SignOut() error              // ends the session
	Save() error                 // for peers that do not by themselves
}

// App is what is measured: handlers that do the same work with every peer's sessions.
type App struct {
	shape Shape
	hold  func()
	carts string // a cart is a piece of it
}

// The routes of the app.
const (
	Read   = "/read"   // reads a text and the counter
	Write  = "/write"  // reads a text and counts
	Fill   = "/fill"   // sets all that the shape has
	Parts  = "/parts"  // reads from one component, changes two
	Cart   = "/cart"   // replaces the large text
	SignIn = "/signin" // a new token
	Leave  = "/leave"  // ends the session
	Hold   = "/hold"   // reads, then waits
)

const carts = 64 // different ones

func newApp(o Options) *App {
	return &App{shape: o.Shape, hold: o.Hold, carts: randomText(rand.New(rand.NewPCG(2, 3)), o.Shape.Cart+carts)}
}

// action is the work of a route; what it returns is the body.
type action func(Session, *http.Request) (int, error)

func (a *App) actions() map[string]action {
	return map[string]action{
		Read: a.read, Write: a.write, Fill: a.fill, Parts: a.parts, Cart: a.cart,
		SignIn: a.signIn, Leave: a.leave, Hold: a.wait,
	}
}

// mux returns the app's handler; start begins a request's session.
func (a *App) mux(start func(http.ResponseWriter, *http.Request) (Session, error)) *http.ServeMux {
	mux := http.NewServeMux()
	for route, act := range a.actions() {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			s, err := start(w, r)
			if err != nil {
				refuse(w, err)
				return
			}
			act.serve(w, r, s)
		})
	}
	return mux
}

// serve does the work, saves and answers.
func (act action) serve(w http.ResponseWriter, r *http.Request, s Session) {
	n, err := act(s, r)
	if err == nil {
		err = s.Save()
	}
	if err != nil {
		refuse(w, err)
		return
	}
	var buf [24]byte
	w.Write(append(strconv.AppendInt(buf[:0], int64(n), 10), '\n'))
}

// refuse answers with an error, which ends the run.
func refuse(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// read fails when the session is not as Fill left it: a peer that lost its sessions is no faster.
func (a *App) read(s Session, _ *http.Request) (int, error) {
	if len(s.Text("", keyName(1))) != textSize {
		return 0, fmt.Errorf("the session has no %s", keyName(1))
	}
	return s.Number(views), nil
}

func (a *App) write(s Session, _ *http.Request) (int, error) {
	if len(s.Text("", keyName(1))) != textSize {
		return 0, fmt.Errorf("the session has no %s", keyName(1))
	}
	return s.Add(views)
}

func (a *App) fill(s Session, r *http.Request) (n int, err error) {
	i, err := strconv.Atoi(r.Header.Get("X-Session"))
	if err != nil {
		return 0, fmt.Errorf("read the number of a session: %w", err)
	}
	a.shape.each(i, func(part, key, value string) {
		if err == nil {
			err = s.SetText(part, key, value)
		}
	})
	if err == nil {
		_, err = s.Add(views)
	}
	if err != nil {
		return 0, err
	}
	return 1, s.SignIn(UserName(i))
}

func (a *App) parts(s Session, _ *http.Request) (int, error) {
	if len(s.Text(partName(0), keyName(1))) != textSize {
		return 0, fmt.Errorf("the session has no %s", partName(0))
	}
	n, err := s.Add(views)
	if err != nil {
		return 0, err
	}
	return n, s.SetText(partName(1), "seen", strconv.Itoa(n))
}

// cart sets a text that is not the one before: an equal one would be no change.
func (a *App) cart(s Session, _ *http.Request) (int, error) {
	n, err := s.Add(views)
	if err != nil {
		return 0, err
	}
	from := n % carts
	return n, s.SetText("", cart, a.carts[from:from+a.shape.Cart])
}

func (a *App) signIn(s Session, _ *http.Request) (int, error) {
	if err := s.SignIn("somebody"); err != nil {
		return 0, err
	}
	return s.Number(views), nil
}

func (a *App) leave(s Session, _ *http.Request) (int, error) { return 0, s.SignOut() }

func (a *App) wait(s Session, r *http.Request) (int, error) {
	n, err := a.read(s, r)
	a.hold()
	return n, err
}
