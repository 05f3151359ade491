package main

import (
	"fmt"
	"net/http"

	"github.com/boltsession/session"
)

// product is something to buy.
type product struct {
	ID, Name, About string
	Cents           int
}

// Price returns the price as text.
func (p product) Price() string { return price(p.Cents) }

func price(cents int) string { return fmt.Sprintf("€ %d.%02d", cents/100, cents%100) }

var catalogue = []product{
	{"sencha", "Sencha", "Green tea from Shizuoka, 100\u00a0g", 1250},
	{"assam", "Assam", "Black tea, malty, 100\u00a0g", 890},
	{"rooibos", "Rooibos", "Red bush, no caffeine, 100\u00a0g", 640},
	{"pot", "Teapot", "Stoneware, for three cups", 3900},
}

// maxCount is how many of a product one may order.
const maxCount = 99

// cart is the component of a session that knows how many of each product are to be bought: the
// keys are products. Two tabs that add at once lose nothing, as each key is saved on its own.
type cart struct{ *session.Component }

// cartOf returns the cart of a request's session.
func cartOf(r *http.Request) (cart, error) {
	c, err := session.From(r).Component(r.Context(), "cart")
	if err != nil {
		return cart{}, fmt.Errorf("read cart: %w", err)
	}
	return cart{c}, nil
}

// line is what a cart has of a product.
type line struct {
	product
	Count int
}

// Sum returns the price of the line as text.
func (l line) Sum() string { return price(l.Count * l.Cents) }

func (c cart) lines() (lines []line) {
	for _, p := range catalogue {
		if n, _ := count(p).Get(c); n > 0 {
			lines = append(lines, line{p, n})
		}
	}
	return lines
}

// pieces returns how many things are in the cart.
func (c cart) pieces() (n int) {
	for _, l := range c.lines() {
		n += l.Count
	}
	return n
}

func (c cart) total() string {
	cents := 0
	for _, l := range c.lines() {
		cents += l.Count * l.Cents
	}
	return price(cents)
}

// count is the key of a product in the cart.
func count(p product) session.Key[int] { return session.Key[int](p.ID) }

// addToCart adds one piece of a product.
func (sh *shop) addToCart(w http.ResponseWriter, r *http.Request) error {
	return sh.changeCart(w, r, func(c cart, p product) error {
		_, err := count(p).Update(c, func(n int) int { return min(n+1, maxCount) })
		return err
	})
}

// removeFromCart removes all pieces of a product.
func (sh *shop) removeFromCart(w http.ResponseWriter, r *http.Request) error {
	return sh.changeCart(w, r, func(c cart, p product) error {
		c.Remove(p.ID)
		return nil
	})
}

func (sh *shop) changeCart(w http.ResponseWriter, r *http.Request, change func(cart, product) error) error {
	id := r.PostFormValue("product")
	for _, p := range catalogue {
		if p.ID != id {
			continue
		}
		c, err := cartOf(r)
		if err != nil {
			return err
		}
		if err := change(c, p); err != nil {
			return fmt.Errorf("change cart: %w", err)
		}
		sh.hub.tell(session.From(r).User())
		return back(w, r, "/", "")
	}
	return badRequest("There is no such product.")
}
