package mondayclient

import (
	"context"
	"net/http"
	"time"
)

// question is a call whose answer is of use only as a whole.
type question struct {
	operation string // as Observe is told
	document  string
	vars      map[string]any
	key       string   // Idempotency-Key of a mutation
	scopes    []string // for the guard
	asked     int      // rows that are lost if it fails
}

// reply is what a question's answer is decoded into. It counts its rows, or reports that what was asked for is missing.
type reply interface {
	rows() (count int, ok bool)
}

// ask makes a call that fails where any part of its answer failed.
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
