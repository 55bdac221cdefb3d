package mondayclient

import (
	"context"
	"fmt"

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

// MaxWebhookURL is the maximum length of a webhook's URL, in characters.
const MaxWebhookURL = 255

// Webhook is a board's subscription to a kind of event. Monday does not reveal its URL.
type Webhook struct {
	ID    int64
	Event string // WebhookEventType, as Subscriptions names them
}

// Subscriptions returns the kinds of event for which a board needs webhooks, so that every event that ReadWebhook knows
// arrives.
func Subscriptions() []string {
	return []string{"change_column_value", "create_item", "change_name", "item_deleted", "item_archived", "item_restored"}
}

// Webhooks reads all webhooks of a board that the token can see, including those created by others.
//
// https://developer.monday.com/api-reference/reference/webhooks
func (c *Client) Webhooks(ctx context.Context, board int64) ([]Webhook, error) {
	var found webhooksReply
	err := c.ask(ctx, question{
		operation: "webhooks", document: webhooksDocument, vars: map[string]any{"board": fmt.Sprint(board)},
		scopes: onBoards(board),
	}, &found)
	if err != nil {
		return nil, fmt.Errorf("reading the webhooks of board %d: %w", board, err)
	}
	var hooks []Webhook
	for _, h := range found.Webhooks {
		if h != nil {
			hooks = append(hooks, Webhook{ID: int64(h.ID), Event: h.Event})
		}
	}
	return hooks, nil
}

type webhooksReply struct {
	Webhooks []*struct {
		ID    column.ID `json:"id"`
		Event string    `json:"event"`
	} `json:"webhooks"`
}

func (r *webhooksReply) rows() (int, bool) { return present(r.Webhooks), r.Webhooks != nil }

// CreateWebhook subscribes a URL to a kind of event of a board and returns the webhook's id. Monday first sends the URL
// a challenge, which it must answer within seconds. The error does not repeat the URL.
//
// https://developer.monday.com/api-reference/reference/webhooks#create-a-webhook
func (c *Client) CreateWebhook(ctx context.Context, board int64, event, url string) (int64, error) {
	if len(url) > MaxWebhookURL {
		return 0, fmt.Errorf("subscribing to %s of board %d: the URL has %d characters; at most %d are allowed", event,
			board, len(url), MaxWebhookURL)
	}
	var created createWebhookReply
	vars := map[string]any{"board": fmt.Sprint(board), "event": event, "url": url}
	err := c.ask(ctx, question{
		operation: "create_webhook", document: createWebhookDocument, vars: vars,
		key:    idempotencyKey(createWebhookDocument, vars),
		scopes: onBoards(board), asked: 1,
	}, &created)
	if err != nil {
		return 0, fmt.Errorf("subscribing to %s of board %d: %w", event, board, err)
	}
	return int64(created.Webhook.ID), nil
}

type createWebhookReply struct {
	Webhook *struct {
		ID column.ID `json:"id"`
	} `json:"create_webhook"`
}

func (r *createWebhookReply) rows() (int, bool) {
	if r.Webhook == nil || r.Webhook.ID <= 0 {
		return 0, false
	}
	return 1, true
}
