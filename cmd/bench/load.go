package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"crmsync/ingest"
)

// delivered numbers the deliveries of this run, so that each has a triggerUuid of its own.
var delivered atomic.Int64

// connection posts webhooks one after another. It needs less CPU than net/http's client, which would compete with what
// is measured.
type connection struct {
	conn    net.Conn
	answers *bufio.Reader
	addr    string
	request []byte
}

// dialAll opens n connections to an endpoint.
func dialAll(ctx context.Context, addr string, count int) (all []*connection, hangUp func(), err error) {
	hangUp = func() {
		for _, c := range all {
			c.conn.Close()
		}
	}
	for range count {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			hangUp()
			return nil, nil, fmt.Errorf("connecting: %w", err)
		}
		all = append(all, &connection{conn: conn, answers: bufio.NewReaderSize(conn, 1<<10), addr: addr})
	}
	return all, hangUp, nil
}

// post sends a delivery and waits until it is accepted.
func (c *connection) post(body []byte) error {
	c.request = fmt.Appendf(c.request[:0], "POST %s/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: "+
		"application/json\r\nContent-Length: %d\r\n\r\n",
		ingest.Path, secret, c.addr, len(body))
	c.request = append(c.request, body...)
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook was answered with %d", resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// fire posts over many connections for a while, and returns how long each delivery took, in ascending order.
func fire(ctx context.Context, connections []*connection, d time.Duration) (took []time.Duration, err error) {
	ends := time.Now().Add(d)
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, c := range connections {
		group.Go(func() {
			var own []time.Duration
			var failed error
			for now := time.Now(); failed == nil && now.Before(ends) && ctx.Err() == nil; {
				n := delivered.Add(1)
				failed = c.post(payload(now, n, firstItem+n%2000))
				after := time.Now()
				own = append(own, after.Sub(now))
				now = after
			}
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, own...), errors.Join(err, failed)
		})
	}
	group.Wait()
	slices.Sort(took)
	return took, errors.Join(err, ctx.Err())
}

// payload returns a change of an e-mail column in Monday's form, about 600 bytes long.
//
// https://developer.monday.com/api-reference/reference/webhooks
func payload(at time.Time, n, item int64) []byte {
	stamp := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Appendf(nil, `{"event":{"app":"monday","type":"update_column_value","triggerTime":%q,"subscriptionId":810765988,"isRetry":false,`+
		`"userId":107870718,"originalTriggerUuid":null,"boardId":1002,"groupId":"topics","pulseId":%d,"pulseName":"Ada Lovelace","columnId":"email",`+
		`"columnType":"email","columnTitle":"Email","value":{"email":"ada.%d@example.org","text":"ada.%d@example.org","changed_at":%q},"previousValue":null,`+
		`"changedAt":%.6f,"isTopGroup":true,"triggerUuid":"%032x"}}`,
		stamp, item, n, n, stamp, float64(at.UnixMicro())/1e6, n)
}
