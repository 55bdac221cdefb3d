package mondayclient

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"crmsync/mondayclient/column"
)

const (
	webhooksDocument = `query ($board: ID!) {
	webhooks(board_id: $board) { id event }
	complexity { after }
}`

	createWebhookDocument = `mutation ($board: ID!, $event: WebhookEventType!, $url: String!) {
	create_webhook(board_id: $board, event: $event, url: $url) { id }
	complexity { after }
}`
)

// MaxWebhookURL is the most characters that the URL of a webhook may have.
const MaxWebhookURL = 255

// Webhook is a board's subscription to a kind of event. Monday tells nobody where it delivers to.
type Webhook struct {
	ID    int64
	Event string // WebhookEventType, as Subscriptions names them
}

// Subscriptions are the kinds of event that a board must have webhooks for, so that every event that ReadWebhook knows arrives.
func Subscriptions() []string {
	return []string{"change_column_value", "create_item", "change_name", "item_deleted", "item_archived", "item_restored"}
}

// Webhooks reads all webhooks of a board that the token sees, whoever made them.
//
// https://developer.monday.com/api-reference/reference/webhooks
func (c *Client) Webhooks(ctx context.Context, board int64) ([]Webhook, error) {
	start := time.Now()
	hooks, err := c.readWebhooks(ctx, board)
	c.observe("webhooks", start, len(hooks), 0, err)
	if err != nil {
		return nil, fmt.Errorf("reading the webhooks of board %d: %w", board, err)
	}
	return hooks, nil
}

func (c *Client) readWebhooks(ctx context.Context, board int64) ([]Webhook, error) {
	var data struct {
		Webhooks []*struct {
			ID    column.ID `json:"id"`
			Event string    `json:"event"`
		} `json:"webhooks"`
	}
	failures, err := c.run(ctx, &call{scopes: onBoards(board)}, webhooksDocument, map[string]any{"board": fmt.Sprint(board)}, &data)
	if err != nil {
		return nil, err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return nil, f.err
		}
	}
	if data.Webhooks == nil {
		return nil, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	var hooks []Webhook
	for _, h := range data.Webhooks {
		if h != nil {
			hooks = append(hooks, Webhook{ID: int64(h.ID), Event: h.Event})
		}
	}
	return hooks, nil
}

// CreateWebhook subscribes a URL to a kind of event of a board and returns the webhook's id. Monday first sends the URL a challenge,
// which it must answer within seconds. The error does not repeat the URL.
//
// https://developer.monday.com/api-reference/reference/webhooks#create-a-webhook
func (c *Client) CreateWebhook(ctx context.Context, board int64, event, url string) (int64, error) {
	start := time.Now()
	id, err := c.createWebhook(ctx, board, event, url)
	if err != nil {
		c.observe("create_webhook", start, 0, 1, err)
		return 0, fmt.Errorf("subscribing to %s of board %d: %w", event, board, err)
	}
	c.observe("create_webhook", start, 1, 0, nil)
	return id, nil
}

func (c *Client) createWebhook(ctx context.Context, board int64, event, url string) (int64, error) {
	if len(url) > MaxWebhookURL {
		return 0, fmt.Errorf("the URL has %d characters; at most %d are taken", len(url), MaxWebhookURL)
	}
	var data struct {
		Made *struct {
			ID column.ID `json:"id"`
		} `json:"create_webhook"`
	}
	vars := map[string]any{"board": fmt.Sprint(board), "event": event, "url": url}
	failures, err := c.run(ctx, &call{key: idempotencyKey(createWebhookDocument, vars), scopes: onBoards(board)}, createWebhookDocument, vars, &data)
	if err != nil {
		return 0, err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return 0, f.single()
		}
	}
	if data.Made == nil || data.Made.ID <= 0 {
		return 0, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	return int64(data.Made.ID), nil
}
