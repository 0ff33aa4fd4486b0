"""A second corpus, written for itself: study lines, comments and reports of seven hospitals.

Texts mark what must go with [ ], and the rest between marks that must stay with < >.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.descriptors.corpus import Case

# Headers of each hospital's patient, and lines with marks. [[x]] is gone, <<x>> stays.
HOSPITALS: Final = {
    # USA
    (
        ("name", "Hernandez-Ruiz^Maria Guadalupe^T"),
        ("name", "Patel^Anjali^^^MD"),
        ("name", "O'Sullivan^Kieran"),
        ("patient", "003920117"),
        ("identifier", "E20023117"),
        ("identifier", "CTSCANNER04"),
        ("phrase", "St. Luke's Regional Medical Center"),
        ("phrase", "1200 Harborview Parkway, Duluth, MN 55805"),
        ("date", "19470918"),
        ("date", "20190702"),
    ): """
        <<CT ABD/PELVIS W CONTRAST>> - [[HERNANDEZ-RUIZ]], [[MARIA]] G
        <<CT ABD/PELVIS W CONTRAST>> [[HERNANDEZ]] [[RUIZ]] [[MARIA]] 003920117
        [[Hernandez]]_[[Maria]]_<<CTA_Chest_PE>>_[[20190702]]
        <<XR CHEST 2V>> ordered by Dr. [[Patel]] x[[4471]]
        <<XR CHEST 2V>>, req. [[A. Patel]], MD
        <<MR LUMBAR SPINE W/WO>> pt [[Maria]] [[Hernandez-Ruiz]] dob [[9/18/47]]
        <<US RENAL COMPLETE>> acc# [[E20023117]] mrn#[[3920117]]
        <<CT HEAD STROKE ALERT>> [[07/02/2019]] [[14:22]]
        <<CT HEAD STROKE ALERT>> July 2[[, 2019]] <<neg for bleed>>
        <<MAMMO SCREENING BILAT TOMO>> [[St. Luke's Regional Medical Center]]
        <<MAMMO DIAG R>> SLRMC [[Duluth]]
        <<NM BONE SCAN 3 PHASE>> - call [[(218) 555-0147]] w/ results
        <<PET/CT SKULL BASE TO MID THIGH>> (Dr [[O'Sullivan]])
        <<PET/CT SKULL BASE TO MID THIGH>> ([[OSULLIVAN]])
        <<Fluoro UGI>> ; tech: [[kieran]] [[o'sullivan]]
        <<IR BIOPSY LIVER>> per [[Patel]]/[[OSullivan]]
        Pt [[Maria]] seen [[7-2-2019]]. <<No acute fracture.>>
        <<T2 TSE FS AX>> [[CTSCANNER04]]
        <<CT W CONTRAST 100ml Omnipaque 350>>
        <<AX 5mm ST, COR 2mm bone>>
        <<HR 62 bpm, delay 25 sec, 3.5 ml/s>>
    """,
    # Germany
    (
        ("name", "Freifrau von Öttingen^Käthe"),
        ("name", "Gößl^Björn^^PD Dr. med."),
        ("patient", "000071882"),
        ("identifier", "F-2020-118233"),
        ("phrase", "Klinikum Rechts der Weser"),
        ("phrase", "Abteilung für Neuroradiologie"),
        ("phrase", "Lüneburger Heerstraße 17, 28195 Bremen"),
        ("date", "19330201"),
        ("date", "20201124"),
    ): """
        <<MRT Schädel mit KM>> [[Öttingen]], [[Käthe]]
        <<MRT Schädel mit KM>> [[OETTINGEN]] [[KAETHE]]
        <<MRT Schädel mit KM>>_von_[[Oettingen]]_[[1933-02-01]]
        <<Rö Thorax>> Fr. von [[Öttingen]] geb. [[1.2.33]]
        <<Rö Thorax im Liegen>>, Pat. [[Käthe]] von [[Öttingen]]
        <<CT Abdomen portalvenös>> (PD Dr. [[Gößl]])
        <<CT Abdomen portalvenös>> OA [[Goessl]]
        <<CT Abdomen portalvenös>>, anfordernd: Dr. med. [[Björn]] [[Gößl]]
        <<Angio Becken-Bein>> Fall [[F-2020-118233]]
        <<Angio Becken-Bein>> Fallnr [[2020118233]]
        <<Kontrolle nach OP>> am [[24.11.2020]] um [[9:15]] Uhr
        <<Kontrolle nach OP>> vom [[24. November 2020]]
        <<HWS 2 Ebenen>>, Tel [[0421 / 555 0193]]
        <<HWS 2 Ebenen>> Klinikum Rechts der [[Weser]], [[Bremen]]
        <<Hüfte links axial>>; wohnhaft [[Lüneburger Heerstraße 17]]
        <<DSA>> Pat-Nr. [[71882]]
        <<T1 mprage sag 1mm iso>>
        <<CT-gesteuerte Punktion Leber S6>>
        <<Mammographie bds. in 2 Ebenen>>
        <<Orthopantomogramm>>
        <<Durchleuchtung: Breischluck>>
    """,
    # France, Switzerland
    (
        ("name", "Le Goff^Anaëlle^Marie"),
        ("name", "Benoît^Hervé^^Pr"),
        ("patient", "IPP0440917"),
        ("identifier", "2021-0098-77"),
        ("phrase", "CHU de Quimper - Hôpital Laënnec"),
        ("date", "19890714"),
        ("date", "20210505"),
    ): """
        <<IRM du genou gauche>> pour Mme [[LE GOFF]] [[Anaëlle]]
        <<IRM du genou gauche>> - [[Anaelle]] [[Le Goff]]
        <<IRM du genou gauche>> [[LEGOFF]]
        <<Scanner TAP avec injection>>, Pr [[Benoît]]
        <<Scanner TAP avec injection>> Docteur Hervé [[BENOIT]]
        <<Échographie abdominale>> née le [[14/07/1989]]
        <<Échographie abdominale>> du [[5 mai 2021]] à [[14h30]]
        <<Radio thorax face>> IPP [[0440917]]
        <<Radio thorax face>> tél : [[02 98 55 01 23]]
        <<Panoramique dentaire>> [[CHU de Quimper]]
        <<Mammographie>> hôpital [[Laënnec]]
        <<Arthroscanner épaule D>> dossier n° [[2021-0098-77]]
        <<TEP FDG corps entier>>
        <<Coupes 1 mm, filtre dur>>
        <<Séquence T2 fat sat>>
    """,
    # Spain, Latin America, Brazil
    (
        ("name", "Muñoz Peña^Íñigo"),
        ("name", "Gonçalves^Tânia^^Dra."),
        ("patient", "NHC-559120"),
        ("phrase", "Hospital Universitario La Ribera"),
        ("date", "19551231"),
        ("date", "20220808"),
    ): """
        <<TC craneal sin contraste>> [[Muñoz]] [[Peña]], [[Íñigo]]
        <<TC craneal sin contraste>> [[MUNOZ]] [[PENA]] [[INIGO]]
        <<RM rodilla derecha>> solicitada por Dra. [[Gonçalves]]
        <<RM rodilla derecha>> Sr. [[Muñoz]]
        <<Rx de tórax>> fecha [[08/08/2022]]
        <<Rx de tórax>> nacido el [[31 de diciembre de 1955]]
        <<Ecografía hepática>> NHC: [[559120]]
        <<Ecografía hepática>> paciente: [[Íñigo]] [[Muñoz]]
        <<Mamografia bilateral>> - [[Tania]] [[Goncalves]]
        <<TC abdomen y pelvis>> Hospital Universitario La [[Ribera]]
        <<Tomografia de crânio>> tel. [[+55 11 95555-0199]]
        <<Angiotomografia coronária>> Rua Augusta Nova, [[1508]]
        <<Serie ósea>>
        <<Urografía excretora 15 min>>
    """,
    # Italy, Netherlands
    (
        ("name", "Dell'Acqua^Ginevra"),
        ("name", "de Vries-Hoekstra^Femke"),
        ("name", "Zuccarelli^P.^^Dott."),
        ("patient", "DLLGNV80A41F205X"),
        ("patient", "9920431"),
        ("phrase", "Ospedale San Raffaele, Via Olgettina 60, Milano"),
        ("date", "19800101"),
        ("date", "20230331"),
    ): """
        <<RM encefalo e tronco>> [[Dell'Acqua]] [[Ginevra]]
        <<RM encefalo e tronco>> [[DELLACQUA]]_[[GINEVRA]]
        <<RX torace>> sig.ra [[Dell'Acqua]] nata il [[01/01/1980]]
        <<RX torace>> Dott. P. [[Zuccarelli]]
        <<TC addome smdc>> CF [[DLLGNV80A41F205X]]
        <<TC addome cmdc>> [[31 marzo 2023]] ore [[08:40]]
        <<Eco tiroide>> [[Ospedale San Raffaele]]
        <<Eco tiroide>> [[San Raffaele]] [[Milano]]
        <<MRI knie links>> mw. de [[Vries]]
        <<MRI knie links>> [[Femke]] de [[Vries]]-[[Hoekstra]]
        <<X-bekken>> patiënt: [[F. de Vries]]
        <<CT thorax HR>> [[31 maart 2023]], BSN [[123456782]]
        <<Echo abdomen>> tel [[06-12345678]]
        <<ECD carotidi>>
        <<X-thorax, staand, PA>>
    """,
    # Asia, written in Latin and in their own letters
    (
        ("name", "Cho^Eun-ji=趙^恩智=조^은지"),
        ("name", "Tanaka^Haruto=田中^陽翔=タナカ^ハルト"),
        ("patient", "K-3344-01"),
        ("phrase", "서울중앙병원"),
        ("date", "19991010"),
    ): """
        <<Brain MRI>> [[Cho Eun-ji]]
        <<Brain MRI>> [[CHO]] [[EUNJI]]
        <<뇌 MRI>> [[조은지]]
        <<뇌 MRI>> [[조은지]]님
        <<胸部CT>> [[田中陽翔]]様
        <<胸部CT>> ([[田中]])
        <<頭部単純>> [[ﾀﾅｶ]] [[ﾊﾙﾄ]]
        <<Chest>> [[Tanaka]]先生
        <<흉부 CT>> [[서울중앙병원]]
        <<Liver dynamic>> [[K334401]]
        <<肝臓ダイナミック 3相>>
        <<복부 초음파>>
    """,
    # A research centre
    (
        ("name", "Subject^Zero Niner"),
        ("name", "Mac Gillavry^Fergus"),
        ("patient", "STUDY01-S0042"),
        ("date", "20180115"),
    ): """
        <<ep2d_bold_rest_TR2000>>_[[STUDY01-S0042]]
        <<dMRI_dir98_AP>>_[[STUDY01_S0042]]_[[180115]]
        <<rfMRI_REST1_PA_SBRef>>
        <<T1w_MPR_0.8mm>> [[MacGillavry]]
        <<SpinEchoFieldMap_AP>> [[FERGUS]]
        <<ABCD_dMRI_SIEMENS>>
        <<gre_field_mapping_2mm TE1 4.92 TE2 7.38>>
        <<asl_3d_tra_p2_iso_3.0_highres>>
        <<cmrr_mbep2d_diff_b3000_64dir>>
        <<NODDI 2 shells b700/b2000>>
        <<WIP FLAIR SPACE cs8 v3.1>>
        <<ADNI3 Accelerated MPRAGE>>
        <<fMRI n-back run 2/4>>
    """,
}


def cases() -> Iterator[Case]:
    """Yield the second corpus."""
    for headers, block in HOSPITALS.items():
        for line in filter(None, map(str.strip, block.splitlines())):
            text = re.sub(r"\[\[|\]\]|<<|>>", "", line)
            planted = tuple(re.findall(r"\[\[(.+?)\]\]", line))
            yield Case(headers, text, planted, tuple(re.findall("<<(.+?)>>", line)))
