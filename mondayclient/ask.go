package mondayclient

import (
	"context"
	"net/http"
	"time"
)

// question is a call whose answer is useful only as a whole.
type question struct {
	operation string // as passed to Observe
	document  string
	vars      map[string]any
	key       string   // Idempotency-Key of a mutation
	scopes    []string // for the guard
	asked     int      // rows that are lost if the call fails
}

// reply is what a question's answer is decoded into. It counts its rows, or reports that a part of the answer is
// missing.
type reply interface {
	rows() (count int, ok bool)
}

// ask sends a question. It fails if any part of the answer failed.
func (c *Client) ask(ctx context.Context, q question, into reply) error {
	start := time.Now()
	count, err := 0, c.answerTo(ctx, q, into)
	if err == nil {
		var ok bool
		if count, ok = into.rows(); !ok {
			err = &Error{Status: http.StatusOK, Code: codeUnexpected}
		}
	}
	c.observe(q.operation, start, count, failed(err, q.asked-count), err)
	return err
}

func (c *Client) answerTo(ctx context.Context, q question, into reply) error {
	failures, err := c.run(ctx, &call{key: q.key, scopes: q.scopes}, q.document, q.vars, into)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return f.err
		}
	}
	return nil
}
