"""The smallest profile that is valid."""

MINIMAL = """
schema_version: 1
profile: small
title: {zh: 小, en: Small}
raw: data/raw/small
money: {currency: CNY}
sources:
  orders: {system: oms, files: "*.csv", columns: {id: text, shipped: time}}
tables:
  customers: {source: orders, select: "SELECT id AS customer_id FROM orders"}
  shipments:
    source: orders
    select: SELECT id AS shipment_id, id AS customer_id, shipped AS shipped_at FROM orders
"""
