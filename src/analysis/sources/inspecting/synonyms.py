"""What Chinese and English exports call the canonical columns."""

from __future__ import annotations

from collections.abc import Mapping

_CUSTOMER = (
    "客户编号 客户编码 客户代码 客户号 客户ID 货主编号 货主代码 托运人编号 托运人代码 会员编号 "
    "customer_id customer_code customer_no customer cust_id cust_no client_id client_code "
    "shipper_id shipper_code shipper account_id account_no account_number seller_id merchant_id "
    "consignor_id consignor_code client customer_number client_no"
)
_WAYBILL = (
    "运单号 运单编号 运单号码 物流单号 快递单号 货运单号 提单号 单号 订单号 订单编号 "
    "waybill_no waybill waybill_number waybill_id tracking_number tracking_no tracking_id "
    "shipment_id shipment_no shipment shipment_number consignment_no consignment_number awb awb_no "
    "bill_of_lading order_id order_no order_number asn/dn"
)

SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "customers": {
        "customer_id": _CUSTOMER,
        "parent_customer_id": "上级客户编号 母公司编号 集团客户编号 parent_customer_id parent_id",
        "region": "区域 大区 所属大区 所在大区 业务大区 所属区域 地区 销售区域 省份 "
        "region area sales_region state province",
        "industry": "行业 所属行业 industry sector",
        "contract_type": "合同类型 结算方式 合作类型 contract_type payment_terms",
        "depot": "网点 所属网点 营业部 站点 depot branch station",
        "onboarded_on": "建档日期 开户日期 签约日期 注册日期 入网日期 创建日期 合作开始日期 "
        "开始日期 起始日期 "
        "合作起始日 合作起始日期 开始合作日期 合作日期 建档时间 开户时间 注册时间 创建时间 "
        "首次合作日期 "
        "onboarded_on created_date created_at created_on signup_date registration_date "
        "customer_since client_since since start_date opened_on",
    },
    "customer_names": {
        "customer_id": _CUSTOMER,
        "name": "客户名称 客户全称 客户姓名 客户名 客户简称 公司名称 公司全称 企业名称 企业全称 "
        "单位名称 货主名称 名称 customer_name company_name company shipper_name client_name "
        "account_name name",
        "contact": "联系人 联系人姓名 contact contact_name contact_person",
        "phone": "联系电话 电话 手机 手机号 联系手机 联系方式 手机号码 电话号码 "
        "phone phone_no tel telephone mobile",
        "email": "邮箱 电子邮箱 电子邮件 email e-mail mail",
        "address": "地址 联系地址 详细地址 公司地址 address street",
        "tax_id": "统一社会信用代码 税号 纳税人识别号 信用代码 tax_no tax_id vat vat_no cnpj",
        "account_manager": "客户经理 销售经理 业务员 account_manager sales_rep sales_manager",
    },
    "shipments": {
        "shipment_id": _WAYBILL,
        "customer_id": _CUSTOMER,
        "shipped_at": "下单时间 下单日期 订单时间 订单日期 委托时间 委托日期 ordered_at ordered_on "
        "ordered shipped_at order_date order_time order_purchase_timestamp booked_at booking_date",
        "picked_up_at": "揽收时间 揽收日期 发货时间 发货日期 取件时间 取件日期 提货时间 提货日期 "
        "寄件时间 寄件日期 起运时间 起运日期 揽件时间 揽件日期 发运时间 发运日期 picked_up "
        "picked_up_at pickup pickup_at pickup_date pickup_time collected_at collection_date "
        "shipped shipped_on ship_date shipping_date shipment_date dispatch_date dispatched_at",
        "promised_at": "承诺送达 承诺日期 承诺送达时间 承诺送达日期 承诺时间 预计送达 预计送达时间 "
        "预计送达日期 预计到达时间 要求到货时间 应到时间 应到日期 promised_at promised_date "
        "promised promised_by estimated_delivery_date expected_delivery expected_delivery_date "
        "scheduled_delivery_date delivery_deadline deadline eta due_date due_by due "
        "order_estimated_delivery_date",
        "delivered_at": "签收时间 签收日期 送达 送达时间 送达日期 妥投时间 妥投日期 到货时间 "
        "到货日期 到货 到达时间 到达日期 签收 "
        "delivered_at delivered delivered_on delivery delivery_date delivery_time pod_date pod "
        "arrival arrival_date arrived_at "
        "delivered_to_client_date order_delivered_customer_date",
        "origin_region": "始发地 发货地 出发地 始发 起运地 寄件城市 始发城市 发货城市 origin "
        "origin_city from_city ship_from from",
        "destination_region": "目的地 收货地 到达地 收件城市 目的城市 收货城市 destination dest "
        "destination_city to_city ship_to to country",
        "service": "服务类型 产品类型 运输方式 时效产品 业务类型 service_type service "
        "product_type shipment_mode transport_mode mode",
        "cargo_type": "货物类型 货类 品类 品名 货物名称 cargo_type cargo commodity goods_type "
        "product_group",
        "weight_kg": "重量 计费重量 实际重量 毛重 weight_kg weight gross_weight "
        "chargeable_weight weight_kilograms weight_lb weight_lbs",
        "revenue": "运费 运费收入 应收运费 收入 营业收入 金额 总运费 应收金额 revenue amount "
        "freight freight_charge freight_charges freight_cost charge charges total_charges price "
        "freight_value freight_amount",
        "cost": "运输成本 成本 承运成本 干线成本 应付运费 cost shipping_cost "
        "transport_cost carrier_cost",
        "is_damaged": "破损 是否破损 货损 damaged is_damaged",
        "is_lost": "丢失 是否丢失 遗失 lost is_lost",
        "notified_at": "通知时间 异常通知时间 notified notified_at",
    },
    "tickets": {
        "ticket_id": "工单号 工单编号 投诉单号 投诉编号 ticket_id ticket_no case_id case_no",
        "customer_id": _CUSTOMER,
        "shipment_id": _WAYBILL,
        "opened_at": "受理时间 创建时间 投诉时间 提交时间 建单时间 opened_at created_at opened",
        "first_response_at": "首次响应时间 首次响应 首响时间 响应时间 首次回复时间 首次回复 "
        "回复时间 first_response_at responded_at first_response",
        "resolved_at": "办结时间 解决时间 关闭时间 完成时间 结案时间 办结日期 关闭日期 resolved_at "
        "closed_at resolved closed closed_on resolved_on",
        "category": "类别 问题类型 投诉类型 工单类型 问题类别 category issue_type complaint_type",
        "is_first_contact_resolution": "一次解决 是否一次解决 first_contact_resolution fcr",
    },
    "surveys": {
        "survey_id": "问卷编号 问卷号 调查编号 survey_id response_id review_id",
        "customer_id": _CUSTOMER,
        "shipment_id": _WAYBILL,
        "sent_at": "发送时间 发放时间 sent_at invited_at review_creation_date",
        "answered_at": "回答时间 填写时间 答卷时间 answered_at review_answer_timestamp",
        "nps_score": "NPS 推荐意愿 推荐度 推荐分 nps nps_score",
        "csat_score": "满意度 满意度评分 评分 csat csat_score satisfaction review_score rating",
    },
    "service_costs": {
        "customer_id": _CUSTOMER,
        "month": "月份 账期 所属月份 年月 month period",
        "activity": "项目 服务项目 费用项目 activity cost_item",
        "cost": "金额 费用 服务成本 成本 cost amount",
    },
    "service_events": {
        "customer_id": _CUSTOMER,
        "service": "服务 服务名称 服务项目 service",
        "granted_at": "开通时间 授予时间 granted_at",
        "used_at": "使用时间 首次使用时间 used_at",
    },
    "receivables": {
        "invoice_id": "发票号 发票号码 账单号 invoice_id invoice_no",
        "customer_id": _CUSTOMER,
        "due_on": "到期日 到期日期 应收日期 付款期限 due_on due_date",
        "paid_on": "回款日 回款日期 付款日期 到账日期 paid_on paid_date payment_date",
        "amount": "金额 应收金额 发票金额 账单金额 amount invoice_amount",
    },
    "assignments": {
        "experiment_id": "实验编号 实验 experiment_id experiment",
        "customer_id": _CUSTOMER,
        "cluster_id": "网点 cluster_id cluster depot",
        "cluster_share": "cluster_share share",
        "arm_at_half": "arm_at_half",
        "stratum": "分层 stratum strata",
        "arm": "分组 组别 实验组别 arm group variant",
        "assigned_at": "分组时间 分组日期 assigned_at assigned_on",
    },
}
"""Table → canonical column → what exports call it, blanks between."""

CATEGORY_WORDS: Mapping[str, str] = {
    "delay": "延误 延迟 迟到 超时 时效 late delay delayed",
    "damage": "破损 货损 损坏 damage damaged broken",
    "loss": "丢失 遗失 丢件 loss lost missing",
    "service": "服务 态度 服务态度 service attitude",
    "other": "其他 其它 咨询 other others",
}

PROMISE_WORDS = (
    "要求 承诺 预计 计划 约定 最晚 最迟 期望 预约 规定 应到 应达 应送 "
    "promised expected estimated scheduled planned required requested latest target"
)
"""Words that make the date of a delivery the date that was promised for it."""

QUALIFIERS = "实际 最终 真实 actual real final"
"""Words that say no more of what happened than that it did."""

TABLE_WORDS: Mapping[str, str] = {
    "customers": "客户 货主 会员 customer client account shipper seller merchant",
    "shipments": "运单 订单 发货 shipment order waybill consignment deliveries",
    "tickets": "投诉 工单 ticket complaint case",
    "surveys": "问卷 满意度 调查 survey nps",
    "service_costs": "服务成本 服务费用 service_cost",
    "receivables": "应收 账单 发票 receivable invoice",
}
"""What a file (or a sheet) of a table is usually called."""
