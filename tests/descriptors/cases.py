"""Descriptions written by hand: what stands in them, and the clinical remainder."""

from __future__ import annotations

from typing import Final

# The headers of one study, as pairs of harvest and value.
HEADERS: Final = (
    ("name", "Smith^John^Quentin"),
    ("name", "Müller^Jürgen^^Dr."),
    ("name", "O'Brien^Sinéad"),
    ("name", "van der Berg^Anna"),
    ("name", "Li^Wei"),
    ("name", "DOE^JANE"),
    ("patient", "0012345"),
    ("patient", "8675309"),
    ("identifier", "ACC-2024-00077"),
    ("identifier", "555-010-9999"),
    ("date", "19620304"),
    ("date", "20240115"),
    ("date", "20240115101112"),
    ("phrase", "Universitätsklinikum Hamburg-Eppendorf"),
    ("phrase", "Massachusetts General Hospital"),
    ("phrase", "Martinistr. 52, 20246 Hamburg"),
    ("identifier", "SKYRA7T2"),
)

# What the headers know.
KNOWN: Final = (
    ("Smith-CT/Head w/o Contrast", "CT/Head w/o Contrast"),
    ("MRI BRAIN for DOE^JANE 1962-03-04, MRN 8675309, call 555-010-9999", "MRI BRAIN"),
    ("Dr. Müller / UKE / THORAX PA", "THORAX PA"),
    ("JOHN SMITH CT HEAD", "CT HEAD"),
    ("CT HEAD SMITH, JOHN Q", "CT HEAD"),
    ("CT HEAD (Smith, John)", "CT HEAD"),
    ("CT (Smith) HEAD", "CT HEAD"),
    ("J. Smith CT Abdomen", "CT Abdomen"),
    ("Smith J. Q. CT Abdomen", "CT Abdomen"),
    ("K. Smith CT Abdomen", "CT Abdomen"),
    ("Smith's brain", "brain"),
    ("SmithCTHead", "CTHead"),
    ("SMITHCTHEAD", "CTHEAD"),
    ("CTHeadSmith", "CTHead"),
    ("DOE_JANE_CT", "CT"),
    ("DoeCTHead", "CTHead"),
    ("CT20240102Smith", "CT"),
    ("S.M.I.T.H. CT", "CT"),
    ("S M I T H thorax", "thorax"),
    ("Smi-th thorax", "thorax"),
    ("smith_john_t1_mprage", "t1_mprage"),
    ("Mueller Thorax", "Thorax"),
    ("MUELLER THORAX", "THORAX"),
    ("Muller Thorax", "Thorax"),
    ("Juergen M. Thorax", "Thorax"),
    ("Thorax Obrien", "Thorax"),
    ("Thorax O Brien", "Thorax"),
    ("Thorax O\N{RIGHT SINGLE QUOTATION MARK}Brien", "Thorax"),
    ("Thorax Sinead", "Thorax"),
    ("Anna van der Berg MRT", "MRT"),
    ("v.d. Berg MRT", "MRT"),
    ("VANDERBERG MRT", "MRT"),
    ("Li Wei Chest", "Chest"),
    ("LiWei Chest", "Chest"),
    ("Wei Li Chest", "Chest"),
    ("MRN 12345 KNEE", "KNEE"),
    ("KNEE 0012345", "KNEE"),
    ("KNEE 00012345", "KNEE"),
    ("KNEE ACC202400077", "KNEE"),
    ("KNEE ACC-2024-00077", "KNEE"),
    ("KNEE SKYRA7T2", "KNEE"),
    ("MGH brain", "brain"),
    ("Massachusetts General brain", "brain"),
    ("brain, Hamburg", "brain"),
    ("CT brain at Massachusetts General Hospital", "CT brain"),
    ("Knie, Martinistr. 52, 20246 Hamburg", "Knie"),
    ("3/4/62 echo", "echo"),
    ("echo 04.03.62", "echo"),
    ("echo 040362", "echo"),
    ("echo 15Jan2024", "echo"),
    ("MRI of Smith brain", "MRI brain"),
    ("Smith / CT / Head", "CT / Head"),
    ("CT / Smith / Head", "CT / Head"),
    ("CT-Smith-Head", "CT-Head"),
    ("Smith and head", "head"),
    ("Normal brain. Seen by Dr. Smith. No mass.", "Normal brain. No mass."),
    ("line one\nSmith\nline three", "line one\nline three"),
    ("Smith", ""),
    ("Smith, John", ""),
    ("- Smith -", ""),
)
# What nobody needs to know.
PATTERNS: Final = (
    ("CT Thorax 12.03.2021", "CT Thorax"),
    ("CT Thorax vom 12.03.2021", "CT Thorax"),
    ("CT Thorax 2021-03-12T10:11:12Z", "CT Thorax"),
    ("CT Thorax 20210312", "CT Thorax"),
    ("CT Thorax 20210312101112", "CT Thorax"),
    ("CT Thorax 3/12/2021 10:35", "CT Thorax"),
    ("CT Thorax 3/12/21", "CT Thorax"),
    ("CT Thorax 12-MAR-2021", "CT Thorax"),
    ("CT Thorax March 12, 2021", "CT Thorax"),
    ("CT Thorax 12. März 2021", "CT Thorax"),
    ("CT Thorax 12 mars 2021", "CT Thorax"),
    ("CT Thorax 12 de marzo de 2021", "CT Thorax"),
    ("CT Thorax 12 de março de 2021", "CT Thorax"),
    ("CT Thorax 12 marzo 2021", "CT Thorax"),
    ("CT Thorax 12 maart 2021", "CT Thorax"),
    ("CT Thorax December 2021", "CT Thorax"),
    ("CT Thorax um 14:30 Uhr", "CT Thorax"),
    ("CT Thorax 2:30 pm", "CT Thorax"),
    ("CT Thorax DOB 03/04/1962", "CT Thorax"),
    ("CT Thorax, geb. 04.03.1962", "CT Thorax"),
    ("CT Thorax né le 04/03/1962", "CT Thorax"),
    ("CT Thorax call 617-555-0199 ext 12", "CT Thorax"),
    ("CT Thorax Tel. 040/7410-53998", "CT Thorax"),
    ("CT Thorax +49 (0)40 7410 53998", "CT Thorax"),
    ("CT Thorax tél. 01 23 45 67 89", "CT Thorax"),
    ("CT Thorax pager 4711", "CT Thorax"),
    ("CT Thorax mail a.b@example.org", "CT Thorax"),
    ("CT Thorax see https://pacs.example.org/x?id=1", "CT Thorax see"),
    ("CT Thorax 10.1.2.3", "CT Thorax"),
    ("CT Thorax 1.2.840.113619.2.55.3", "CT Thorax"),
    ("CT Thorax MRN: 4711", "CT Thorax"),
    ("CT Thorax Fallnr. 47110815", "CT Thorax"),
    ("CT Thorax Fall-Nr.: 4711", "CT Thorax"),
    ("CT Thorax Acc# A4711", "CT Thorax"),
    ("CT Thorax ID 471100", "CT Thorax"),
    ("CT Thorax Pat.-ID 4711", "CT Thorax"),
    ("CT Thorax #4711081", "CT Thorax"),
    ("CT Thorax SSN 123-45-6789", "CT Thorax"),
    ("CT Thorax 123-45-6789", "CT Thorax"),
    ("CT Thorax 4711081547", "CT Thorax"),
    ("CT Thorax A47110815", "CT Thorax"),
    ("CT Thorax RSSMRA85T10A562S", "CT Thorax"),
    ("CT Thorax for Dr. Kowalczyk", "CT Thorax"),
    ("CT Thorax Prof. Dr. med. K. Kowalczyk", "CT Thorax"),
    ("CT Thorax Dr. Anna Kowalczyk-Nowak", "CT Thorax"),
    ("DR KOWALCZYK CHEST PA", "CHEST PA"),
    ("Mr. Kowalczyk chest", "chest"),
    ("Mrs Kowalczyk chest", "chest"),
    ("Herr Kowalczyk Thorax", "Thorax"),
    ("Frau Kowalczyk Thorax", "Thorax"),
    ("Mme Kowalczyk thorax", "thorax"),
    ("M. Kowalczyk thorax", "thorax"),
    ("Sr. Kowalczyk tórax", "tórax"),
    ("Sra. Kowalczyk tórax", "tórax"),
    ("Dott.ssa Kowalczyk torace", "torace"),
    ("Dhr. de Kowalczyk thorax", "thorax"),
    ("Dr. van den Kowalczyk thorax", "thorax"),
    ("CT Thorax read by Kowalczyk", "CT Thorax"),
    ("Patient: Kowalczyk, CT Thorax", "CT Thorax"),
    ("Name: Anna Kowalczyk CT Thorax", "CT Thorax"),
    ("KOWALCZYK^ANNA CT Thorax", "CT Thorax"),
    ("CT Thorax, 12 Kowalczyk Street", "CT Thorax"),
    ("CT Thorax, Kowalczykstraße 5", "CT Thorax"),
    ("CT Thorax, 12 rue de Kowalczyk", "CT Thorax"),
    ("CT Thorax, Calle Kowalczyk 5", "CT Thorax"),
    ("CT Thorax, Via Kowalczyk 5", "CT Thorax"),
    ("CT Thorax, Kowalczykstraat 5", "CT Thorax"),
    ("CT Thorax, 20246 Neustadt", "CT Thorax"),
    ("CT Thorax at Kowalczyk Hospital", "CT Thorax"),
    ("CT Thorax, St. Kowalczyk's Memorial Hospital", "CT Thorax"),
    ("CT Thorax Klinikum Kowalczyk", "CT Thorax"),
    ("CT Thorax Hôpital Saint-Kowalczyk", "CT Thorax"),
    ("CT Thorax Ospedale San Kowalczyk", "CT Thorax"),
    ("CT Thorax for Douglas Kowalczyk", "CT Thorax"),
    ("CT Thorax for DOUGLAS KOWALCZYK", "CT Thorax"),
    ("CT Thorax, Springfield, IL 62704", "CT Thorax"),
)
# What stays, letter for letter.
CLINICAL: Final = tuple(
    """
    T1 FSE AX|3/4/25 echo|C-spine 5/6|b1000|1.5T|2024 protocol v2|TR 500 TE 12|120 kV|L4/L5|T2W
    0.625mm|90Y|18F-FDG|99mTc-MDP|T1 TSE SAG +C|DWI b0/b500/b1000|AX T2 FLAIR 5mm|CT Chest W/O C
    Thorax 1.0 B70f|HEAD/NECK CTA 0.75 H20s|PET WB (AC)|WB_CTAC 3.0 B31f|MIP 10mm|MPR cor 3.0/1.0
    T2_TSE_cor_fs_320|ep2d_diff_3scan_trace_p2_ADC|t1_mprage_sag_p2_iso_1.0|SUV 2.5|10:1 ratio
    Ultraschall Abdomen|Schädel nativ|Becken Übersicht a.p.|Knie li. seitl.|HWS 2 Ebenen
    LWS in 2 Ebenen|Thorax p.a. und seitlich|Radiographie du thorax face
    IRM cérébrale sans injection|TDM thoraco-abdomino-pelvien|Tórax PA y lateral
    RM columna lumbar sin contraste|TC de abdome total|Radiografia do tórax|TC torace senza mdc
    RM ginocchio destro|MRI knie rechts|CT hersenen zonder contrast|White matter lesion
    long axis view|short axis cine|STIR COR|Dixon water|Rose bengal|X-Ray chest|Day 3 post op
    MR BRAIN W AND W/O|MRS single voxel TE 135|DR CHEST 2 VIEWS|SR Dose Report|PD fat sat
    MS protocol|kidney stone protocol|2 PHASE 30/70 SEC|30/70/180 sec|matrix 512 x 512|FOV 240 mm
    window -1000/400|levels C3/C4/C5|ribs 8/9/10|v12.0.3|version 4.5.6|VA20A|syngo MR E11
    300000 counts|1000000 cts|CTDIvol 12.5 mGy|100 kVp 250 mAs|99mTc 740 MBq|Screening mammogram
    request for Lutetium therapy|for hospital use|outpatient clinic|MRI for Cyberknife
    R MLO|L CC|LMLO|3D T1 BRAVO|Ax SWAN|Ax T2 PROPELLER|eTHRIVE dyn 4|mDIXON-All|sT2W_FLAIR
    Localizer|Scout|Topogram 0.6 T20s|Recon 2: LUNG|Series 4 of 9|3 mm x 3 mm|w/o & w contrast
    Head-Neck-Thorax|Axial (oblique)|"bone" kernel|no change; stable|1st trimester
    May show artifact
    """.replace("\n", "|").split("|")
)
CLINICAL_TEXTS: Final = tuple(text.strip() for text in CLINICAL if text.strip())
# Reports without anybody in them.
REPORTS: Final = (
    "Hinchey Ia, Bosniak 2, Child-Pugh B, Gleason 3+4=7, PI-RADS 4, T2N0M0, Ki-67 20%.",
    "MRT des Kniegelenks links: Baker-Zyste 3,5 cm, Outerbridge II-III. Z.n. VKB-Plastik 2015.",
    "IRM cérébrale: T2*, Fazekas 2. Polygone de Willis: pas d'argument pour un processus.",
    "TC de tórax: nódulo de 7 mm (serie 4, imagen 112). Del resto sin hallazgos, 6 meses.",
    "RM encefalo: sistema ventricolare in asse. L'aorta ascendente misura 38 mm.",
    "De mediale meniscus toont een scheur. Baker cyste van 2 cm.",
    "F18 FDG 370 MBq i.v., 98 mg/dl, SUVmax 8.4, 99mTc-MAG3 100 MBq, Lu-177 7.4 GBq cycle 3/4.",
    "3D-CRT, 6 MV / 15 MV, 45 Gy in 25 Fx, gantry 0/90/180/270, VMAT 181-179, D95% = 98%.",
    "RTOG 0617, EORTC 22922, NSABP B-51, ACRIN 6698, NCT01234567, b 50-400-800, TA 2:34",
    "GA 22w3d, BPD 54 mm, LVEF 55-60% (Simpson biplane), E/A 1.2, E/e' 8, TI 0.4 MI 1.1.",
    "t2_tse_sag_384 TR 3500 TE 98 ETL 17 BW 190 Hz/Px mat 384x269, 1.5 T Aera XQ, 3T Prisma VE11C",
)
