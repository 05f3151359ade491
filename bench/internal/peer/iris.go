package peer

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	iris "github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/sessions"
	"github.com/kataras/iris/v12/sessions/sessiondb/boltdb"
	bolt "go.etcd.io/bbolt"
)

// irisApp is iris's sessions with its boltdb, as iris's example has it.
type irisApp struct {
	*iris.Application
	db    *boltdb.Database
	shape Shape
}

const irisCookie = "sessionscookieid"

func openIris(o Options) (Peer, error) {
	db, err := boltdb.New(filepath.Join(o.Dir, "sessions.db"), 0o700)
	if err != nil {
		return nil, err
	}
	keeper := sessions.New(sessions.Config{Cookie: irisCookie, Expires: lifetime, AllowReclaim: true})
	keeper.UseDatabase(db)
	web := iris.New()
	web.Logger().SetLevel("error")
	web.Use(keeper.Handler())
	for route, act := range newApp(o).actions() {
		web.Post(route, func(ctx iris.Context) {
			act.serve(ctx.ResponseWriter(), ctx.Request(), irisSession{sessions.Get(ctx), keeper, ctx})
		})
	}
	if err := web.Build(); err != nil {
		return nil, err
	}
	return &irisApp{web, db, o.Shape}, nil
}

// Fill writes what iris's boltdb would, as that has one transaction for each value. Then each
// session is read once: iris keeps in memory which sessions it has met since it started, and meets
// each in a transaction that writes, which would be the larger part of what is measured.
func (p *irisApp) Fill(from, n int, life time.Duration) ([]string, error) {
	if life == 0 {
		life = lifetime
	}
	cookies := make([]string, n)
	err := bulk(p.db.Service, n, func(tx *bolt.Tx, i int) error {
		id := uuid.NewString()
		cookies[i] = irisCookie + "=" + id
		return p.put(tx, from+i, id, time.Now().Add(life))
	})
	if err != nil {
		return nil, err
	}
	p.db.Service.NoSync = true
	defer func() { p.db.Service.NoSync = false }()
	for v, i := NewVisit(p), 0; i < n; i++ {
		if err := v.Do(Read, cookies[i]); err != nil {
			return nil, err
		}
	}
	return cookies, p.db.Service.Sync()
}

func (p *irisApp) put(tx *bolt.Tx, i int, id string, expires time.Time) error {
	root := tx.Bucket([]byte("sessions"))
	expiry, err := root.CreateBucket([]byte(id + "_expiration"))
	if err != nil {
		return err
	}
	values, err := root.CreateBucket([]byte(id))
	if err != nil {
		return err
	}
	put := func(b *bolt.Bucket, key string, v any) {
		var data []byte
		if err == nil {
			data, err = sessions.DefaultTranscoder.Marshal(v)
		}
		if err == nil {
			err = b.Put([]byte(key), data)
		}
	}
	put(expiry, "exp", expires)
	put(values, views, 1)
	p.shape.each(i, func(part, key, value string) { put(values, scsKey(part, key), value) })
	return err
}

func (p *irisApp) Size() int64  { return boltSize(p.db.Service) }
func (p *irisApp) Close() error { return p.db.Close() }

// irisSession is the session of a request.
type irisSession struct {
	*sessions.Session
	keeper *sessions.Sessions
	ctx    iris.Context
}

func (s irisSession) Text(part, key string) string { return s.GetString(scsKey(part, key)) }

func (s irisSession) SetText(part, key, value string) error {
	s.Set(scsKey(part, key), value)
	return nil
}

func (s irisSession) Number(key string) int       { return s.GetIntDefault(key, 0) }
func (s irisSession) Add(key string) (int, error) { return s.Increment(key, 1), nil }

// SignIn is an error: iris cannot give a session a new ID.
func (s irisSession) SignIn(string) error { return fmt.Errorf("iris does not renew sessions") }

func (s irisSession) SignOut() error {
	s.keeper.Destroy(s.ctx)
	return nil
}

// Save does nothing: each Set has stored its value.
func (s irisSession) Save() error { return nil }
