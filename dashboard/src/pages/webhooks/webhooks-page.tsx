import { useDeliveries } from "../../api/queries";
import type { Delivery } from "../../api/types";
import { useListState } from "../../components/list-state";
import { Drawer } from "../../components/modal";
import { PageHeader } from "../../components/page-header";
import { Skeleton } from "../../components/states";
import { ConfigForm } from "./config-form";
import { DeliveryDetailPanel } from "./delivery-detail";
import { DELIVERY_FILTERS, DeliveryLog, PAGE_SIZE } from "./delivery-log";

export function WebhooksPage() {
  const state = useListState(DELIVERY_FILTERS, "delivery");
  const filters = Object.fromEntries(DELIVERY_FILTERS.map((name) => [name, state.filter(name)]));
  const deliveries = useDeliveries({ limit: PAGE_SIZE, offset: state.offset, ...filters });

  if (deliveries.isPending) {
    return (
      <>
        <PageHeader title="Webhooks" />
        <Skeleton lines={8} label="Loading webhooks" />
      </>
    );
  }
  const open = (delivery: Delivery): void => state.open(delivery.id);
  return (
    <div data-test-id="webhook-config">
      <PageHeader
        title="Webhooks"
        lead="Your server is told about every payment and refund by a signed POST, and again until it answers."
      />
      <ConfigForm />
      <DeliveryLog deliveries={deliveries} state={state} onOpen={open} />
      <Drawer title="Delivery" open={state.openId !== null} onClose={() => state.open(null)}>
        {state.openId !== null && <DeliveryDetailPanel key={state.openId} id={state.openId} />}
      </Drawer>
    </div>
  );
}
